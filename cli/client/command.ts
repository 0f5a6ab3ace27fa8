import { list } from "./list";
import { add, config, move, revoke, type AddOptions, type AppOptions, type ConfigOptions } from "./verbs";
import { Verb } from "../verb";

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

const withApp = (verb: Verb): Verb => verb.option("--app <dir>", "directory of the app's cdktf.json", ".");

const withConfig = (verb: Verb): Verb =>
  withApp(verb)
    .option("--endpoint <host[:port]>", "where the client calls, in place of the entry's address")
    .option(
      "--state <file>",
      "Terraform's state, for the address of an entry that Terraform makes; without it: terraform state pull",
    )
    .option("--route <prefix>", "what goes into the tunnel, may be given again; all of IPv4 and IPv6 when it is not", collect)
    .option("--dns <address>", "a resolver to ask through the tunnel, may be given again (default: the network's)", collect)
    .option("--out <file>", "write the configuration there (0600), not to standard output")
    .option("--qr <file>", "also write it as a QR code, .svg or .png; may be given again", collect);

/** Clients in the app's clients file. */
export function clientCommand(): Verb {
  return new Verb("client")
    .description("people's devices: add, move, revoke and list them in the app's clients file; the next deploy does it")
    .about({ examples: ["wgchain client add phone --exit gcp", "wgchain client list"] })
    .enablePositionalOptions()
    .addCommand(addCommand())
    .addCommand(
      withApp(new Verb("move"))
        .description("let a client leave at another exit; its owner changes nothing")
        .about({ examples: ["wgchain client move phone --exit hkt"], json: ["client", "former", "exit", "file"] })
        .argument("<name>", "a client of the clients file")
        .requiredOption("--exit <names>", "where it leaves; several, by commas: at the first that is alive")
        .runs((name: string, options: AppOptions & { exit: string }) => move(name, options)),
    )
    .addCommand(
      withApp(new Verb("revoke"))
        .description("cut a client off at the next deploy; its address is nobody else's for 90 days")
        .about({ examples: ["wgchain client revoke phone"], json: ["client", "address", "keptUntil", "file"] })
        .argument("<name>", "a client of the clients file")
        .runs((name: string, options: AppOptions) => revoke(name, options)),
    )
    .addCommand(
      withConfig(new Verb("config"))
        .description("print a client's configuration again, without the private key, which its owner has")
        .about({
          examples: ["wgchain client config phone --endpoint vpn.example.org"],
          json: ["name", "addresses", "mtuBytes", "config"],
        })
        .argument("<name>", "a client")
        .runs((name: string, options: ConfigOptions) => config(name, options)),
    )
    .addCommand(
      withApp(new Verb("list"))
        .description("list all clients, where each enters and leaves, and who was revoked")
        .about({ examples: ["wgchain client list", "wgchain client list --json"], json: ["clients", "revoked"] })
        .runs((options: AppOptions) => list(options)),
    );
}

function addCommand(): Verb {
  return withConfig(new Verb("add"))
    .description("add a client: allocate its address, make its key unless it has one, print its configuration and QR code")
    .about({
      notes: [
        "The configuration goes to standard output, everything else to standard error; at a terminal its QR code is shown. A private key made here stands in the configuration alone.",
      ],
      examples: [
        "wgchain client add phone --exit gcp",
        'wgchain client add laptop --exit hkt --public-key "$(wg pubkey <laptop.key)" --route 10.0.0.0/8',
        "wgchain client add tablet --exit gcp,hkt --out tablet.conf --qr tablet.png",
      ],
      json: ["name", "addresses", "mtuBytes", "config"],
    })
    .argument("<name>", "a name for the device")
    .requiredOption("--exit <names>", "where it leaves; several, by commas: at the first that is alive")
    .option("--address <address>", "its address, in place of an allocated one")
    .option("--public-key <key>", "its own, when it made the pair itself; the configuration then lacks the private key")
    .runs((name: string, options: AddOptions) => add(name, options));
}
