// Many non-blocking connects from one thread, with a timer beside them: see hundred.py.
// usage: java Hundred.java NAME PORT COUNT

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

public final class Hundred {
    private static final int TICKS = 50;

    private static void start(Selector selector, InetSocketAddress address) throws Exception {
        SocketChannel channel = SocketChannel.open();
        channel.configureBlocking(false);
        channel.register(selector, SelectionKey.OP_CONNECT);
        if (channel.connect(address)) {
            throw new IllegalStateException("connected at once");
        }
    }

    public static void main(String[] arguments) throws Exception {
        InetAddress resolved = InetAddress.getByName(arguments[0]);
        InetSocketAddress address = new InetSocketAddress(resolved, Integer.parseInt(arguments[1]));
        int count = Integer.parseInt(arguments[2]);
        System.out.println("resolved " + ProcessHandle.current().parent().get().pid());
        System.in.read();

        Selector selector = Selector.open();
        for (int i = 0; i < count; i++) {
            start(selector, address);
        }
        int finished = 0;
        int ticks = 0;
        long next = System.nanoTime() + 10_000_000;
        while (finished <= count) {
            long left = (next - System.nanoTime()) / 1_000_000;
            if (left > 0) {
                selector.select(left);
            } else {
                selector.selectNow();
            }
            if (System.nanoTime() >= next) {
                next += 10_000_000;
                ticks++;
                if (ticks == TICKS) {
                    System.out.println("ticked " + finished);
                    start(selector, address);
                }
            }
            for (SelectionKey key : selector.selectedKeys()) {
                SocketChannel channel = (SocketChannel) key.channel();
                if (key.isConnectable() && channel.finishConnect()) {
                    channel.write(ByteBuffer.wrap("hello\n".getBytes(StandardCharsets.US_ASCII)));
                    key.interestOps(SelectionKey.OP_READ);
                } else if (key.isReadable()) {
                    if (channel.read(ByteBuffer.allocate(64)) != 6) {
                        throw new IllegalStateException("not the line that was sent");
                    }
                    channel.close();
                    finished++;
                }
            }
            selector.selectedKeys().clear();
        }
        System.out.println("connected " + finished);
    }
}
