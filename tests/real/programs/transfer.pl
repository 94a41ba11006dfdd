# Download and upload by LWP; print the digest of each.
# usage: transfer.pl URL FILE

use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use HTTP::Request;
use LWP::UserAgent;

my ($url, $upload) = @ARGV;
my $agent = LWP::UserAgent->new(timeout => 30);

sub ask {
    my $response = $agent->request(HTTP::Request->new(@_));
    die $response->status_line, "\n" unless $response->is_success;
    return $response->content;
}

open my $file, '<:raw', $upload or die "$upload: $!\n";
my $content = do { local $/; <$file> };
print sha256_hex(ask(GET => "$url/bytes")), "\n";
print ask(PUT => "$url/digest", [], $content), "\n";
