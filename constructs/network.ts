import * as fs from "node:fs";
import * as path from "node:path";
import { Aspects, TerraformStack, type ISynthesisSession } from "cdktf";
// Not exported from the top, but TerraformAsset stands on it, and cdktf 0.21 is the last.
import { addCustomSynthesis } from "cdktf/lib/synthesize/synthesizer";
import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { Construct, type IConstruct } from "constructs";
import type { ProvenNetwork } from "../lib/assert/proven-network";
import { compile, type Compiled } from "../lib/compile";
import type {
  ClientIntent,
  ClientInterfaceIntent,
  ForwardIntent,
  GatewayIntent,
  LabelIntent,
  NetworkIntent,
  NodeIntent,
  PolicyIntent,
  RemovedIntent,
  TunnelIntent,
} from "../lib/intent";
import type { Inventory, InventoryClientsFile, InventoryNode } from "../lib/inventory";
import type { Problem } from "../lib/problem";
import type { Delivery } from "./delivery";
import { Deploy, NamedResource } from "./deploy";
import { Directory } from "./directory";
import { onDemand } from "./on-demand";
import { payload } from "./payload";
import { writeTree } from "./tree";

/** Something that the user asserts of the network's packets. */
export interface OwnAssertion {
  readonly path: string;
  /** What is asserted, e.g. "phone: exit at gcp". */
  readonly words: string;
  /** What does not hold, in words; may throw, which is a failure, too. */
  readonly failures: (network: ProvenNetwork) => readonly string[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] };

/**
 * The network of a stack: all constructs of one stack register with it, it checks them as a whole and gives each host its part. Made on first use,
 * never by hand.
 */
export class WgNetwork extends Construct {
  static readonly id = "wgchain";

  static of(scope: Construct): WgNetwork {
    const stack = TerraformStack.of(scope);
    const existing = stack.node.tryFindChild(WgNetwork.id);
    if (existing instanceof WgNetwork) return existing;
    return new WgNetwork(stack);
  }

  /** The stack whose inventory this process has written. */
  private static inventoryOf: TerraformStack | undefined;

  readonly directory: Directory;
  private readonly intent: Mutable<Required<NetworkIntent>>;
  readonly deliveries = new Map<string, Delivery>();
  private deploy: Deploy | undefined;
  private readonly leaving: InventoryNode[] = [];
  private readonly removed: Record<string, unknown>[] = [];
  private readonly earlyProblems: Problem[] = [];
  private readonly ownAllocations: Record<string, Record<string, string | number>> = {};
  private readonly assertions: OwnAssertion[] = [];
  private clientsFile: InventoryClientsFile | undefined;
  private compiled: Compiled | undefined;
  private refuted: readonly Problem[] | undefined;
  /** Of the stack as the last aspects left it. */
  private clashes: readonly Problem[] | undefined;

  private constructor(private readonly stack: TerraformStack) {
    super(stack, WgNetwork.id);
    this.directory = Directory.find(this.node);
    this.intent = {
      nodes: [],
      clientInterfaces: [],
      clients: [],
      tunnels: [],
      labels: [],
      policies: [],
      gateways: [],
      forwards: [],
      removed: [],
      recorded: this.directory.recorded(),
    };
    this.node.addValidation({ validate: () => this.validate() });
    // Of this one construct: an aspect of the stack's is asked for each of thousands of clients.
    Aspects.of(this).add({ visit: (node: IConstruct) => this.prepare(node) });
    addCustomSynthesis(this, { onSynthesize: (session) => this.write(session) });
    // Destroy provisioners in `removed` blocks came with 1.9.
    stack.addOverride("terraform.required_version", ">= 1.9");
  }

  get recorded(): NetworkIntent["recorded"] {
    return this.intent.recorded;
  }

  /** Without a delivery the host is somebody else's: nothing of Terraform's stands for it. */
  addNode(intent: NodeIntent, delivery: Delivery | undefined): void {
    this.add("nodes", intent);
    if (delivery === undefined) return;
    this.deliveries.set(intent.name, delivery);
    this.deploy ??= new Deploy(this);
  }

  addClientInterface(intent: ClientInterfaceIntent): void {
    this.add("clientInterfaces", intent);
  }

  addClient(intent: ClientIntent): void {
    this.add("clients", intent);
  }

  addTunnel(intent: TunnelIntent): void {
    this.add("tunnels", intent);
  }

  addLabel(intent: LabelIntent): void {
    this.add("labels", intent);
  }

  addPolicy(intent: PolicyIntent): void {
    this.add("policies", intent);
  }

  addGateway(intent: GatewayIntent): void {
    this.add("gateways", intent);
  }

  addForward(intent: ForwardIntent): void {
    this.add("forwards", intent);
  }

  /** What is checked of a node that leaves. */
  addRemovedIntent(intent: RemovedIntent): void {
    this.add("removed", intent);
  }

  /** A node that leaves, and its `removed` block of Terraform, which cdktf has no construct for. */
  addRemoved(node: InventoryNode, block: Record<string, unknown>): void {
    this.leaving.push(node);
    this.removed.push(block);
    this.stack.addOverride("removed", this.removed);
  }

  /** A problem that a construct found before there is an intent. */
  addProblem(problem: Problem): void {
    this.earlyProblems.push(problem);
  }

  /** To be held against the traced network, once all else is in order. */
  addAssertion(assertion: OwnAssertion): void {
    this.assertions.push(assertion);
    this.refuted = undefined;
  }

  setClientsFile(file: InventoryClientsFile): void {
    if (this.clientsFile !== undefined)
      throw new Error(`${this.clientsFile.path} and ${file.path} both hold this network's clients; a network takes one file`);
    this.clientsFile = file;
  }

  /** An allocation that a construct made itself and that should go on record. */
  addAllocation(kind: string, name: string, value: string | number): void {
    (this.ownAllocations[kind] ??= {})[name] = value;
  }

  /**
   * For lazy values only, and not while cdktf is `preparing` (it resolves everything once before it validates). The checked network; throws all problems when there is
   * one, so that nothing half-valid is synthesized, also where validations are off.
   */
  result(): Compiled {
    const compiled = this.compile();
    const problems = this.problems();
    if (problems.length > 0) throw new Error(`the network has problems:\n${problems.map(format).join("\n")}`);
    return compiled;
  }

  /** The network as its packets see it; throws all problems when there is one. */
  proven(): ProvenNetwork {
    const proven = provenOf(this.result(), this.stack.node.id);
    if (proven === undefined) throw new Error("the network has neither problems nor a proof");
    return proven;
  }

  private add<K extends Exclude<keyof NetworkIntent, "recorded">>(kind: K, intent: Required<NetworkIntent>[K][number]): void {
    (this.intent[kind] as Required<NetworkIntent>[K][number][]).push(intent);
    this.compiled = undefined;
    this.refuted = undefined;
  }

  private compile(): Compiled {
    return (this.compiled ??= compile(this.intent, this.stack.node.id));
  }

  private problems(): readonly Problem[] {
    this.refuted ??= this.checkAssertions();
    this.clashes ??= NamedResource.clashes(this.stack);
    return [...this.earlyProblems, ...this.clashes, ...this.compile().problems, ...this.refuted];
  }

  private checkAssertions(): readonly Problem[] {
    const network = this.assertions.length === 0 ? undefined : provenOf(this.compile(), this.stack.node.id);
    if (network === undefined) return [];
    const failuresOf = ({ failures }: OwnAssertion): readonly string[] => {
      try {
        return failures(network);
      } catch (error) {
        return [error instanceof Error ? error.message : String(error)];
      }
    };
    return this.assertions.flatMap((one) =>
      failuresOf(one).map((message) => ({
        code: "assertion",
        path: one.path,
        message: `'${one.words}' does not hold: ${message}`,
      })),
    );
  }

  private validate(): string[] {
    this.clashes = undefined;
    const file = process.env["WGCHAIN_INVENTORY"];
    const chosen = process.env["WGCHAIN_STACK"] ?? "";
    if (file !== undefined && file !== "" && (chosen === "" || chosen === this.stack.node.id)) this.writeInventory(file);
    return this.problems().map(format);
  }

  private writeInventory(file: string): void {
    const before = WgNetwork.inventoryOf;
    if (before !== undefined && before !== this.stack) {
      fs.rmSync(file, { force: true });
      throw new Error(
        `stacks '${before.node.id}' and '${this.stack.node.id}' both hold a network, and this command takes one; choose it with WGCHAIN_STACK=NAME`,
      );
    }
    WgNetwork.inventoryOf = this.stack;
    const inventory = onDemand.inventory().inventoryOf({
      stack: this.stack.node.id,
      directory: this.directory,
      intent: this.intent,
      compiled: this.compile(),
      problems: this.problems(),
      leaving: this.leaving,
      ownAllocations: this.ownAllocations,
    });
    const assertions = this.assertions.map(({ words }) => words);
    const whole: Inventory = {
      ...inventory,
      ...(assertions.length === 0 ? {} : { assertions }),
      ...(this.clientsFile === undefined ? {} : { clientsFile: this.clientsFile }),
    };
    fs.writeFileSync(file, `${JSON.stringify(whole, null, 2)}\n`);
  }

  private prepare(node: IConstruct): void {
    if (node !== this) return;
    this.clashes = undefined;
    const compiled = this.compile();
    for (const delivery of this.deliveries.values()) delivery.prepare(compiled, this.deliveries);
    this.deploy?.prepare(this.deliveries.values());
    const providers = this.stack.node.findAll().filter((one) => one instanceof NullProvider);
    if (providers.length === 0) new NullProvider(this, "null");
  }

  /** Directory of the stack's own files, relative to cdktf's output directory. */
  private write(session: ISynthesisSession): void {
    const work = path.join(session.outdir, session.manifest.forStack(this.stack).workingDirectory);
    const { hosts, wiring } = this.result();
    writeTree(
      path.join(work, "wgchain"),
      payload(hosts, (node) => this.deliveries.has(node), wiring),
    );
  }
}

const format = (problem: Problem): string => `${problem.path}: ${problem.message}`;

/** Undefined while there is a problem. */
function provenOf({ hosts, traced, wiring }: Compiled, stack: string): ProvenNetwork | undefined {
  if (traced === undefined) return undefined;
  const { ProvenNetwork } = onDemand.provenNetwork();
  const files = Object.fromEntries(hosts.map((host) => [host.node, host.files]));
  return new ProvenNetwork({ stack, wiring, files }, traced);
}
