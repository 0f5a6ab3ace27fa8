import type { SshIntent } from "../intent";
import { parseInteger, parseSshDestination, parseSshJump, parseUserName } from "../name";

/** How a host is reached, each field for itself, for `Problems.attemptAll`. */
export function sshFields({ destination, user, port, jump }: SshIntent): Record<string, () => unknown> {
  return {
    destination: () => parseSshDestination(destination),
    user: () => user === undefined || parseUserName(user),
    port: () => port === undefined || parseInteger(port, "ssh port", 1, 65_535, "port-out-of-range"),
    jump: () => jump === undefined || parseSshJump(jump),
  };
}
