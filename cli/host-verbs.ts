import { adopt, type AdoptOptions } from "./adopt";
import { doctor, type DoctorOptions } from "./doctor";
import { keys, type KeysOptions } from "./keys";
import { rotate, type RotateOptions } from "./rotate";
import { status, type StatusOptions } from "./status";
import { trust, type TrustOptions } from "./trust";
import { Verb } from "./verb";

/** The verbs that ask hosts: their arguments, options and help. */

const appOption = ["--app <dir>", "directory of the app's cdktf.json", "."] as const;

export function keysCommand(): Verb {
  return new Verb("keys")
    .description(
      "make the WireGuard keys that are missing; what exists is never overwritten, and private keys stay where they are made",
    )
    .about({
      examples: ["wgchain keys", "wgchain keys hk sz/wgp --app ./network", "wgchain keys rotate hk/wgp"],
      exits: { 0: "no key is missing but clients' own", 1: "a key could not be made or read, or does not fit" },
      json: ["directory", "keys", "allocations"],
    })
    .argument("[node/iface...]", "nodes, or interfaces of nodes; all when none is named")
    .option(...appOption)
    .option("--clients", "also make the clients' missing pairs here, in private/")
    .enablePositionalOptions()
    .runs((names: string[], options: KeysOptions) => keys(names, options))
    .addCommand(rotateCommand());
}

function rotateCommand(): Verb {
  return new Verb("rotate")
    .description("make new keys, which the next deploy puts in the place of those in use, at both ends; may be run again")
    .about({
      examples: ["wgchain keys rotate hk/wgp", "wgchain keys rotate --psk hk/wgp"],
      exits: { 0: "all wait for the next deploy", 1: "one could not be made" },
      json: ["directory", "rotated"],
    })
    .argument("<node/iface...>", "interfaces")
    .option(...appOption)
    .option("--psk", "the tunnel's pre-shared key in place of the interface's own pair")
    .option("--yes", "also of an interface of clients, who are cut off until they have its new public key")
    .runs((names: string[], options: RotateOptions) => rotate(names, options));
}

export function statusCommand(): Verb {
  return new Verb("status")
    .description("show what the hosts carry: interfaces, peers and their last handshakes, tables")
    .about({
      examples: ["wgchain status", "wgchain status hk --json"],
      exits: { 0: "all nodes answered", 1: "one could not be asked" },
      json: ["nodes"],
    })
    .argument("[node...]", "nodes; all when none is named")
    .option(...appOption)
    .runs((names: string[], options: StatusOptions) => status(names, options));
}

export function doctorCommand(): Verb {
  return new Verb("doctor")
    .description("look for what differs on the hosts from what was deployed, and for what would break it, with how to mend it")
    .about({
      examples: ["wgchain doctor", "wgchain doctor --repair hk"],
      exits: { 0: "all healthy", 1: "a node could not be asked", 3: "something differs or would break" },
      json: ["nodes", "repaired"],
    })
    .argument("[node...]", "nodes; all when none is named")
    .option(...appOption)
    .option("--repair", "bring the hosts that differ back to what was deployed, then look again")
    .runs((names: string[], options: DoctorOptions) => doctor(names, options));
}

export function adoptCommand(): Verb {
  return new Verb("adopt")
    .description(
      "take over a WireGuard interface that was made by hand: its key stays, and the next deploy changes it as it runs",
    )
    .about({
      examples: ["wgchain adopt hk/wgp", "wgchain adopt hk/wgp --yes"],
      exits: { 0: "taken over", 1: "not taken over, and nothing was changed" },
      json: ["interface", "publicKey", "difference", "adopted", "copy"],
    })
    .argument("<node/iface>", "an interface of your network that exists on its host already")
    .option(...appOption)
    .option("--yes", "take over without asking")
    .runs((name: string, options: AdoptOptions) => adopt(name, options));
}

export function trustCommand(): Verb {
  return new Verb("trust")
    .description("fetch the hosts' SSH keys through your ssh_config, show their fingerprints, and pin what you confirm")
    .about({
      examples: ["wgchain trust", "wgchain trust sz --yes", "wgchain trust --forget hk"],
      exits: { 0: "all are pinned", 1: "one could not be reached, has changed, or was not confirmed" },
      json: ["knownHosts", "nodes"],
    })
    .argument("[node...]", "nodes; all when none is named")
    .option(...appOption)
    .option("--yes", "pin without asking; never replaces a key that is pinned")
    .option("--replace", "with --yes: replace a pinned key that has changed")
    .option("--forget", "remove the pinned keys of the named nodes")
    .runs((names: string[], options: TrustOptions, command: Verb) => {
      if (options.forget === true && names.length === 0)
        command.error("error: --forget takes the nodes to forget, e.g. wgchain trust --forget hk");
      return trust(names, options);
    });
}
