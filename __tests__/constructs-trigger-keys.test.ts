import * as fc from "fast-check";
import { triggerKeys } from "../constructs/trigger-keys";

const peers = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`peer c${index} on clients`, `key ${index}`]));
const changed = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): string[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => a[key] !== b[key]);

test("up to 1,000 objects of a kind each has its own key", () => {
  const objects = { ...peers(1000), nftables: "table ip wgchain {}", "source 10.64.0.2 on clients": "leaves at gcp" };
  expect(triggerKeys(objects)).toEqual(objects);
});

test("of a kind with more there are 256 keys at most; all others stay", () => {
  const keys = triggerKeys({ ...peers(5000), nftables: "table ip wgchain {}", "source 10.64.0.2 on clients": "leaves at gcp" });
  expect(Object.keys(keys)).toHaveLength(258);
  expect(keys).toMatchObject({ nftables: "table ip wgchain {}", "source 10.64.0.2 on clients": "leaves at gcp" });
  expect(keys["peer, part 3f"]).toMatch(/^\d+, sha256 [0-9a-f]{32}$/);
});

test("what Terraform resolves keeps its key, or nobody would see that it is another", () => {
  const deferred = { "peer gcp on wg6": "endpoint ${google_compute_address.gcp_address.address}:51820" };
  expect(triggerKeys({ ...peers(2000), ...deferred })).toMatchObject(deferred);
});

test("whatever is added, taken away or changed of thousands, one key shows it; their order shows nothing", () => {
  const before = peers(1500);
  const one = fc.integer({ min: 0, max: 1499 }).map((index) => `peer c${index} on clients`);
  fc.assert(
    fc.property(one, fc.string({ minLength: 1 }), fc.constantFrom("add", "remove", "change"), (key, text, what) => {
      const { [key]: value = "", ...others } = before;
      const after =
        what === "remove"
          ? others
          : what === "change"
            ? { ...before, [key]: `${value}${text.replaceAll("$", "")}.` }
            : { ...before, [`peer more${text} on clients`]: text.replaceAll("$", "") };
      expect(changed(triggerKeys(before), triggerKeys(after))).toHaveLength(1);
      expect(triggerKeys(Object.fromEntries(Object.entries(after).reverse()))).toEqual(triggerKeys(after));
    }),
    { numRuns: 40 },
  );
});
