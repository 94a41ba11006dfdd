// Download and upload by one of Java's three clients; print the digest of each.
// usage: java Transfer.java urlconnection|nio|httpclient URL FILE

import java.io.ByteArrayOutputStream;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;

public class Transfer {
    interface Client {
        /** Returns the body of the answer; a body to send makes it a PUT. */
        byte[] ask(URI uri, byte[] body) throws Exception;
    }

    static byte[] urlConnection(URI uri, byte[] body) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection();
        if (body != null) {
            connection.setRequestMethod("PUT");
            connection.setDoOutput(true);
            connection.setFixedLengthStreamingMode(body.length);
            connection.getOutputStream().write(body);
        }
        return connection.getInputStream().readAllBytes();
    }

    static byte[] httpClient(URI uri, byte[] body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri);
        if (body != null)
            request.PUT(HttpRequest.BodyPublishers.ofByteArray(body));
        return HttpClient.newHttpClient()
                .sendAsync(request.build(), HttpResponse.BodyHandlers.ofByteArray())
                .get()
                .body();
    }

    static byte[] nio(URI uri, byte[] body) throws Exception {
        int size = body == null ? 0 : body.length;
        byte[] head = String.format("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n",
                body == null ? "GET" : "PUT", uri.getPath(), uri.getAuthority(), size)
                .getBytes(StandardCharsets.US_ASCII);
        ByteBuffer out = ByteBuffer.allocate(head.length + size).put(head);
        if (body != null)
            out.put(body);
        out.flip();
        byte[] answer = converse(new InetSocketAddress(uri.getHost(), uri.getPort()), out);
        String text = new String(answer, StandardCharsets.ISO_8859_1);
        return text.substring(text.indexOf("\r\n\r\n") + 4).getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Writes all, and reads to the end, on a channel that never blocks. */
    static byte[] converse(InetSocketAddress to, ByteBuffer out) throws Exception {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        ByteBuffer in = ByteBuffer.allocate(65536);
        try (Selector selector = Selector.open(); SocketChannel channel = SocketChannel.open()) {
            channel.configureBlocking(false);
            SelectionKey key = channel.register(selector, SelectionKey.OP_CONNECT);
            if (channel.connect(to))
                throw new IllegalStateException("connected at once");
            while (true) {
                selector.select();
                selector.selectedKeys().clear();
                if (key.isConnectable() && channel.finishConnect())
                    key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
                if (key.isWritable()) {
                    channel.write(out);
                    if (!out.hasRemaining())
                        key.interestOps(SelectionKey.OP_READ);
                }
                if (key.isReadable()) {
                    if (channel.read(in) < 0)
                        return answer.toByteArray();
                    answer.write(in.array(), 0, in.position());
                    in.clear();
                }
            }
        }
    }

    public static void main(String[] args) throws Exception {
        Client client = switch (args[0]) {
            case "urlconnection" -> Transfer::urlConnection;
            case "nio" -> Transfer::nio;
            case "httpclient" -> Transfer::httpClient;
            default -> throw new IllegalArgumentException(args[0]);
        };
        byte[] down = client.ask(URI.create(args[1] + "/bytes"), null);
        System.out.println(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(down)));
        byte[] up = client.ask(URI.create(args[1] + "/digest"), Files.readAllBytes(Path.of(args[2])));
        System.out.println(new String(up, StandardCharsets.US_ASCII));
    }
}
