import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** Reads a stream with java.net.http: java Client.java <url> <messages> */
public class Client {
  public static void main(String[] args) throws Exception {
    // It asks for h2c with its first request.
    HttpClient client = HttpClient.newHttpClient();
    HttpRequest request = HttpRequest.newBuilder(URI.create(args[0])).header("Accept", "application/x-ndjson").build();
    try (var lines = client.send(request, BodyHandlers.ofLines()).body()) {
      System.out.println("ready");
      var messages = lines.filter(line -> line.contains("\"message\":")).limit(Integer.parseInt(args[1])).iterator();
      while (messages.hasNext()) System.out.println("got " + messages.next().replaceAll(".*\"message\":\"([^\"]*)\".*", "$1"));
    }
    try (var lines = client.send(request, BodyHandlers.ofLines()).body()) {
      System.out.println("again");
      lines.forEach(line -> {});
      System.out.println("ended");
    } catch (RuntimeException | java.io.IOException error) {
      System.out.println("cut " + error.getClass().getSimpleName());
    }
    System.exit(0);
  }
}
