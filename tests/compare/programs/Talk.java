// A dual-stack socket, as Java makes them, to a name; one line there and back.
// usage: java Talk.java NAME PORT

import java.net.Socket;

public final class Talk {
    public static void main(String[] arguments) throws Exception {
        try (Socket socket = new Socket(arguments[0], Integer.parseInt(arguments[1]))) {
            socket.getOutputStream().write("hello\n".getBytes());
            byte[] answer = socket.getInputStream().readNBytes(6);
            System.out.print("answer: " + new String(answer));
        } catch (java.io.IOException error) {
            System.out.println("error: " + error.getMessage());
        }
    }
}
