# Download and upload by net/http; print the digest of each.
# usage: transfer.rb URL FILE

require "digest"
require "net/http"

url, upload = ARGV
down = Net::HTTP.get_response(URI("#{url}/bytes"))
puts Digest::SHA256.hexdigest(down.body)

to = URI("#{url}/digest")
up = Net::HTTP.start(to.host, to.port, open_timeout: 30) do |http|
  http.send_request("PUT", to.path, File.binread(upload))
end
puts up.body
