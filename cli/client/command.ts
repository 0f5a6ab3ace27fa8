import { Command } from "commander";
import { list } from "./list";
import { add, config, move, revoke, type AddOptions, type AppOptions, type ConfigOptions } from "./verbs";

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

const withConfig = (command: Command): Command =>
  command
    .option("--app <dir>", "directory of the app's cdktf.json", ".")
    .option("--endpoint <host[:port]>", "where the client calls, in place of the entry's address")
    .option(
      "--state <file>",
      "Terraform's state, for the address of an entry that Terraform makes; without it: terraform state pull",
    )
    .option("--route <prefix>", "what goes into the tunnel, may be given again; all of IPv4 and IPv6 when it is not", collect)
    .option("--dns <address>", "a resolver to ask through the tunnel, may be given again (default: the network's)", collect)
    .option("--out <file>", "write the configuration there (0600), not to standard output")
    .option("--qr <file>", "also write it as a QR code, .svg or .png; may be given again", collect)
    .option("--json", "print the result as JSON");

const plain = (command: Command): Command =>
  command.option("--app <dir>", "directory of the app's cdktf.json", ".").option("--json", "print the result as JSON");

/** Clients in the app's clients file. */
export function clientCommand(): Command {
  return new Command("client")
    .description("people's devices: add, move, revoke and list them in the app's clients file; the next deploy does it")
    .enablePositionalOptions()
    .addCommand(
      withConfig(new Command("add"))
        .description("add a client: allocate its address, make its key unless it has one, print its configuration and QR code")
        .argument("<name>", "a name for the device")
        .requiredOption("--exit <name>", "where it leaves")
        .option("--address <address>", "its address, in place of an allocated one")
        .option("--public-key <key>", "its own, when it made the pair itself; the configuration then lacks the private key")
        .addHelpText(
          "after",
          `
The configuration goes to standard output, everything else to standard error; at a terminal its QR code is shown. A private key made here stands in the
configuration alone.

Examples:
  wgchain client add phone --exit gcp
  wgchain client add laptop --exit hkt --public-key "$(wg pubkey <laptop.key)" --route 10.0.0.0/8
  wgchain client add tablet --exit gcp --out tablet.conf --qr tablet.png`,
        )
        .action((name: string, options: AddOptions) => add(name, options)),
    )
    .addCommand(
      plain(new Command("move"))
        .description("let a client leave at another exit; its owner changes nothing")
        .argument("<name>", "a client of the clients file")
        .requiredOption("--exit <name>", "where it leaves")
        .addHelpText("after", "\nExample:\n  wgchain client move phone --exit hkt")
        .action((name: string, options: AppOptions & { exit: string }) => move(name, options)),
    )
    .addCommand(
      plain(new Command("revoke"))
        .description("cut a client off at the next deploy; its address is nobody else's for 90 days")
        .argument("<name>", "a client of the clients file")
        .addHelpText("after", "\nExample:\n  wgchain client revoke phone")
        .action((name: string, options: AppOptions) => revoke(name, options)),
    )
    .addCommand(
      withConfig(new Command("config"))
        .description("print a client's configuration again, without the private key, which its owner has")
        .argument("<name>", "a client")
        .addHelpText("after", "\nExample:\n  wgchain client config phone --endpoint vpn.example.org")
        .action((name: string, options: ConfigOptions) => config(name, options)),
    )
    .addCommand(
      plain(new Command("list"))
        .description("list all clients, where each enters and leaves, and who was revoked")
        .addHelpText("after", "\nExample:\n  wgchain client list --json")
        .action((options: AppOptions) => list(options)),
    );
}
