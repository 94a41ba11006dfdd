"""What the end-to-end tests are made of: a closed world, servers in it, a judge over it."""
