import { allocate, type Allocation } from "./allocate";
import { Ipv4Address, Ipv4Prefix } from "./address";
import type { RecordedAllocations } from "./intent";

export interface AddressAllocation {
  /** Address by name. */
  readonly addresses: ReadonlyMap<string, Ipv4Address>;
  readonly collisions: readonly string[];
  readonly exhausted: readonly string[];
}

/** Addresses of `network` for names: neither its first, its last, nor one of `taken`. */
export function allocateAddresses(options: {
  readonly names: readonly string[];
  readonly network: Ipv4Prefix;
  readonly taken: readonly Ipv4Address[];
  readonly byHand: ReadonlyMap<string, Ipv4Address>;
  readonly recorded: Readonly<Record<string, string | number>>;
}): AddressAllocation {
  const { network } = options;
  const offset = (address: Ipv4Address): number => address.value - network.base;
  const result = allocate({
    names: options.names,
    slots: network.size,
    forbidden: new Set([0, network.size - 1, ...options.taken.map(offset)]),
    pinned: new Map([...options.byHand].map(([name, address]) => [name, offset(address)])),
    recorded: new Map(
      Object.entries(options.recorded).flatMap(([name, text]) => {
        const address = parseRecorded(text);
        return address !== undefined && network.assignable(address) ? [[name, offset(address)] as const] : [];
      }),
    ),
  });
  return { ...named(result, (slot) => network.nth(slot)) };
}

/** Networks of `length` bits out of `space` for names. */
export function allocateNetworks(options: {
  readonly names: readonly string[];
  readonly space: Ipv4Prefix;
  readonly length: number;
  readonly recorded: Readonly<Record<string, string | number>>;
}): {
  readonly networks: ReadonlyMap<string, Ipv4Prefix>;
  readonly collisions: readonly string[];
  readonly exhausted: readonly string[];
} {
  const { space, length } = options;
  const size = 2 ** (32 - length);
  const result = allocate({
    names: options.names,
    slots: space.size / size,
    recorded: new Map(
      Object.entries(options.recorded).flatMap(([name, text]) => {
        const address = parseRecorded(String(text).replace(/\/\d+$/, ""));
        return address !== undefined && space.contains(address)
          ? [[name, Math.floor((address.value - space.base) / size)] as const]
          : [];
      }),
    ),
  });
  const { addresses, ...rest } = named(result, (slot) => space.nth(slot * size));
  return { ...rest, networks: new Map([...addresses].map(([name, address]) => [name, Ipv4Prefix.around(address, length)])) };
}

function named({ slots, collisions, exhausted }: Allocation, toAddress: (slot: number) => Ipv4Address): AddressAllocation {
  return { addresses: new Map([...slots].map(([name, slot]) => [name, toAddress(slot)])), collisions, exhausted };
}

/** A record that is no address is as good as none. */
function parseRecorded(value: string | number): Ipv4Address | undefined {
  try {
    return Ipv4Address.parse(String(value));
  } catch {
    return undefined;
  }
}

export const recordedOf = (recorded: RecordedAllocations, kind: string): Readonly<Record<string, string | number>> =>
  recorded[kind] ?? {};
