/* c-ares: whatever resolv.conf says, a server by its address, both families at once, and backwards. */
import dns from "node:dns/promises";

const say = (...words) => console.log(words.join(" "));
const outcome = async (answer) => {
  try {
    return await answer;
  } catch (error) {
    return error.code;
  }
};

const [address] = await dns.resolve4("site.test");
say("resolve4", address);
say("reverse", await dns.reverse(address));
const both = await Promise.all([dns.resolve6("both.test"), dns.resolve4("both.test")].map(outcome));
say("both", both[0], both[1].length);
say("resolve6", await dns.resolve6("six.test"));
say("resolveMx", await outcome(dns.resolveMx("site.test")));
say("resolveTxt", await outcome(dns.resolveTxt("no name.test")));
for (const server of ["198.51.100.53", "127.0.0.53", "[2001:db8::53]", "[::1]:53"]) {
  const resolver = new dns.Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([server]);
  say(server, await resolver.resolve4("SITE.test"));
}
