/** Checks of single arguments that the real provider makes at validate. */
import { Ipv4Address, Ipv4Prefix } from "../../../lib/address";
import type { Attribute } from "../schema";

type Check = NonNullable<Attribute["check"]>;

const gceName = /^(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)$/;

export const isName: Check = (value, name) =>
  gceName.test(String(value)) ? undefined : `"${name}" ("${String(value)}") doesn't match regexp "${gceName.source}"`;

export const oneOf =
  (...allowed: string[]): Check =>
  (value, name) =>
    allowed.includes(String(value))
      ? undefined
      : `expected ${name} to be one of [${allowed.map((one) => `"${one}"`).join(" ")}], got ${String(value)}`;

/** For an argument of which the lab can only do a part. */
export const onlyServed =
  (served: string): Check =>
  (value, name) =>
    value === served ? undefined : `${name} '${String(value)}' is not served by the lab, only '${served}' is`;

export const between =
  (least: number, most: number): Check =>
  (value, name) =>
    Number(value) >= least && Number(value) <= most
      ? undefined
      : `expected ${name} to be in the range (${least} - ${most}), got ${String(value)}`;

const parses = (parse: () => unknown): boolean => {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
};

export const isPrefixText = (value: string): boolean => parses(() => Ipv4Prefix.parse(value));
export const isAddressText = (value: string): boolean => parses(() => Ipv4Address.parse(value));

export const isPrefix: Check = (value, name) =>
  isPrefixText(String(value)) ? undefined : `"${name}" is not a valid IP CIDR range: invalid CIDR address: ${String(value)}`;
