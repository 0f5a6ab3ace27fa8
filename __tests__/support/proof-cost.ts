import { prove } from "../../lib/prove/prove";
import { PrefixMap } from "../../lib/trace/ip";
import { Ruleset } from "../../lib/trace/nft";
import { Routing } from "../../lib/trace/routing";
import { Walk } from "../../lib/trace/walk";
import { largeIntent } from "./large";
import { compileSettled } from "./random-network";

export interface Cost {
  readonly walks: number;
  readonly lookups: number;
  readonly prefixes: number;
  readonly read: number;
}

/** What proving a network of so many clients does, counted; the machine's load does not matter. */
export function costOf(clients: number): Cost {
  const { hosts, wiring } = compileSettled(largeIntent(clients));
  const files = Object.fromEntries(hosts.map((host) => [host.node, host.files]));
  const calls = [
    jest.spyOn(Walk.prototype, "run"),
    jest.spyOn(Routing.prototype, "lookup"),
    jest.spyOn(PrefixMap.prototype, "get"),
    jest.spyOn(Ruleset.prototype as unknown as { addElement: () => void }, "addElement"),
  ];
  const { network, failures } = prove({ stack: "large", wiring, files });
  expect(failures).toEqual([]);
  expect(network.ways).toHaveLength(clients);
  const [walks = 0, lookups = 0, prefixes = 0, read = 0] = calls.map(({ mock }) => mock.calls.length);
  jest.restoreAllMocks();
  return { walks, lookups, prefixes, read };
}
