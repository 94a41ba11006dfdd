<?php
// Download and upload by the curl extension or by PHP's own streams; print the digest of each.
// usage: transfer.php curl|stream URL FILE

function by_curl(string $url, ?string $body): string
{
    $handle = curl_init($url);
    curl_setopt_array($handle, [CURLOPT_RETURNTRANSFER => true, CURLOPT_FAILONERROR => true]);
    if ($body !== null) {
        curl_setopt_array($handle, [CURLOPT_CUSTOMREQUEST => "PUT", CURLOPT_POSTFIELDS => $body]);
    }
    $answer = curl_exec($handle);
    if ($answer === false) {
        throw new RuntimeException(curl_error($handle));
    }
    return $answer;
}

function by_stream(string $url, ?string $body): string
{
    $http = $body === null ? [] : ["method" => "PUT", "content" => $body];
    $answer = file_get_contents($url, false, stream_context_create(["http" => $http]));
    if ($answer === false) {
        throw new RuntimeException("no answer");
    }
    return $answer;
}

[, $how, $url, $upload] = $argv;
$ask = "by_$how";
echo hash("sha256", $ask("$url/bytes", null)), "\n";
echo $ask("$url/digest", file_get_contents($upload)), "\n";
