import { Host, describeAsRoot, withInterface } from "./host/host";
import { HOST_PROGRAM, hongKong, keyPair, publicKey } from "./host/payload";

// What a deploy takes on a host is the processes that it starts. They are counted by the pids of the machine's own namespace, so that no clock decides.
jest.setTimeout(60_000);

const keys = { wgp: keyPair(), wg6: keyPair() };
const hk = hongKong(keys, publicKey(), publicKey());
/** 195 and 267 were counted when this was written: what asks for more has to be worth it. A deploy of nothing, which Terraform does not ask for, looks twice. */
const most = { changed: 205, unchanged: 280 };

describeAsRoot.each([
  ["few", 10],
  ["many", 1000],
])("with %s peers", (name, count) => {
  let h: Host;
  beforeAll(async () => {
    h = await Host.start(name);
    h.giveKeys(keys);
  });
  afterAll(() => h.machine.stop());

  /** Both sessions, with an input that stays open until their end. */
  function processes(): number {
    const generation = h.generation();
    const session = (call: string, orders: string): string =>
      `coproc S { bash ${HOST_PROGRAM} ${call}; }; pid=$S_PID; printf '${orders}bye\\n' >&"\${S[1]}"; cat <&"\${S[0]}"; wait $pid || exit 1`;
    const out = h.machine.ok(`before=$BASHPID
      ${session(`deploy ${h.tree} ${generation} f00d 0`, "prepare\\nadd\\nswitch\\n")}
      ${session(`confirm ${generation} f00d`, "commit\\n")}
      after=$(echo "$BASHPID")
      echo "processes $((after - before))"`);
    return Number(/^processes (\d+)$/m.exec(out)?.[1]);
  }

  test("one peer more, and a deploy of nothing, start few processes", () => {
    const peers = Array.from({ length: count }, (_, n) => ({ key: publicKey(), allowedIps: `10.70.${n >> 8}.${n & 255}/32` }));
    h.deploy(withInterface(hk, "wgp", { peers }));
    h.writeTree(withInterface(hk, "wgp", { peers: [...peers, { key: publicKey(), allowedIps: "10.80.0.1/32" }] }));
    const changed = processes();
    const unchanged = processes();
    expect(changed).toBeGreaterThan(50);
    expect(changed).toBeLessThanOrEqual(most.changed);
    expect(unchanged).toBeLessThanOrEqual(most.unchanged);
  });
});
