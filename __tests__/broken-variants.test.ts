import type { HostPlan } from "../lib/plan/host-plan";
import type { RenderedHost } from "../lib/render/host";
import { broken, without, type Edit, type Variant } from "./support/broken";
import { removeTemporaryDirectories } from "./support/directory";
import type { Change } from "./support/reference";
import { problems, synthesize } from "./support/synth";
import { pitfalls, routing } from "./support/variants";
import { failover } from "./support/variants-failover";
import { resolvers } from "./support/variants-resolvers";
import { nftables, wireGuard } from "./support/variants-nftables";

/** The reference network with one thing broken in it. Each must be refused at synth, with a message that names the cause. */

const mockEdits: Edit[] = [];
const mockBroken = broken;
jest.mock("../lib/render/host", () => {
  const real = jest.requireActual<{ renderHost: (plan: HostPlan) => RenderedHost }>("../lib/render/host");
  return { ...real, renderHost: (plan: HostPlan) => mockBroken(real.renderHost(plan), mockEdits) };
});

afterEach(() => mockEdits.splice(0));
afterAll(removeTemporaryDirectories);

/** What synth says of files that were broken so; it throws, should anything have been written. */
function said(change: Change, edits: readonly Edit[]): string {
  mockEdits.push(...edits);
  return problems(change);
}

const pattern = (says: string): RegExp =>
  new RegExp(
    says
      .split("…")
      .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
      .join(".*"),
  );

function refused(rows: readonly Variant[], change: Change = {}): void {
  for (const [name, says, ...edits] of rows) {
    test(name, () => expect(said(change, edits)).toMatch(pattern(says)));
  }
}

test("as it stands it is synthesized", () => {
  expect(Object.keys(synthesize().files)).toContain("sz/etc/wgchain/rules");
});

describe("the article's pitfalls", () => refused(pitfalls));
describe("rules and routes", () => refused(routing));
describe("nftables", () => refused(nftables));
describe("WireGuard", () => refused(wireGuard));
describe("failover", () => refused(failover, { hkGcpVia: ["wg6", "wg7"] }));
describe("resolvers", () => refused(resolvers, { wgs: { dns: { servers: ["9.9.9.9", "149.112.112.112"], enforce: true } } }));

/** What a user can write is refused before anything is rendered. */
describe("as written in TypeScript", () => {
  const written: readonly (readonly [name: string, says: string, change: Change])[] = [
    [
      "a label used twice",
      "label 10.66.220.224 is used by 'via-hkt' and label 'via-gcp'",
      { viaHkt: { address: "10.66.220.224" } },
    ],
    [
      "a label outside of its tunnel",
      "label 10.66.221.1 can't be given to a host of 10.66.220.0/24",
      { viaHkt: { address: "10.66.221.1" } },
    ],
    [
      "MTU unequal",
      "MTU is 1400 on the server end and 1380 on the client end; packets of the larger would be lost",
      { wg6: { serverEnd: { mtuBytes: 1400 }, clientEnd: { mtuBytes: 1380 } } },
    ],
    [
      "an MTU that ignores Google's link",
      "(the link has 1460, WireGuard over IPv4 takes 60 of it) 1420 is out of range",
      { wg6: { mtuBytes: 1420 } },
    ],
    [
      "no policy at the relay for a label",
      "the way sz -> hk ends at 'hk', which is no exit and has no policy for 10.66.220.225",
      { hkHkt: { from: ["10.66.220.77"] } },
    ],
    ["an exit that is none", "the way hk -> hkt ends at 'hkt', which is no exit", { hkt: { exit: false } }],
    [
      "a source with two exits",
      "source 10.66.224.2/32 is claimed by 'sz-hkt', and 10.66.224.2/32 by 'sz-gcp'",
      { szHkt: { from: ["10.66.224.2"] } },
    ],
    [
      "a client's address used twice",
      "AllowedIPs 10.66.224.2/32 of client 'client2' is claimed by client 'client'",
      { client2: { addresses: ["10.66.224.2"] } },
    ],
    [
      "a tunnel's network that holds a host's own address",
      "holds 198.51.100.30, the address of 'hkt': rules for it would catch that host's underlay, endpoint and SSH traffic",
      { wg7: { network: "198.51.100.0/26", serverAddress: "198.51.100.1", clientAddress: "198.51.100.2" } },
    ],
    [
      "overlapping networks",
      "network 10.66.6.0/25 of tunnel 'wg7' overlaps 10.66.6.0/24 of tunnel 'wg6'",
      { wg7: { network: "10.66.6.0/25", serverAddress: "10.66.6.7", clientAddress: "10.66.6.9" } },
    ],
  ];
  test.each(written)("%s", (_name, says, change) => {
    expect(problems(change)).toMatch(pattern(says));
  });
});

test("every message begins with the construct that it is about, and none with the table of another host", () => {
  const lines = said({}, [without("hk rules", /^pref 19000 iif wg6/), without("sz elements", /^exit_of_wgs 10.66.224.3/)]).split(
    "\n",
  );
  expect(lines.map((line) => line.split(":")[0])).toEqual(["net/sz/wgs/client2", "net/hk"]);
});
