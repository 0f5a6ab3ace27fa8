import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Machine, type Result } from "./machine";
import { HOST_PROGRAM, type Interface, type Payload, writePayload } from "./payload";

export const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;
export const directory = mkdtempSync(join(tmpdir(), `wgct-${process.pid}-`));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What it echoed before running; wg-quick's own lines included. */
export const commands = (result: Result): string[] =>
  result.out.split("\n").flatMap((line) => (line.startsWith("[#] ") ? [line.slice(4)] : []));
export const withInterface = (payload: Payload, name: string, change: Partial<Interface>): Payload => ({
  ...payload,
  interfaces: payload.interfaces.map((i) => (i.name === name ? { ...i, ...change } : i)),
});

/** A machine with the host program's verbs. */
export class Host {
  private constructor(readonly machine: Machine) {}
  static async start(name: string): Promise<Host> {
    return new Host(await Machine.start(`wgct-${process.pid}-${name}`));
  }
  readonly tree = join(directory, "tree");
  writeTree(payload: Payload): void {
    writePayload(this.tree, payload);
  }
  verb(verb: string): Result {
    return this.machine.run(`bash ${HOST_PROGRAM} ${verb}`);
  }
  generation(): string {
    return this.machine
      .ok(
        `cd ${this.tree} && find . -type f ! -path './etc/wgchain/keys/*' | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d' ' -f1`,
      )
      .trim();
  }
  /** A deploy's first session with these orders; by default up to SWITCH, without a revert. */
  add(payload: Payload, orders: readonly string[] = ["prepare", "add", "switch", "bye"], lease = 0): Result {
    this.writeTree(payload);
    return this.session(`deploy ${this.tree} ${this.generation()} ${this.id} ${lease}`, orders);
  }
  /** Its second session. */
  confirm(orders: readonly string[] = ["commit", "bye"]): Result {
    return this.session(`confirm ${this.generation()} ${this.id}`, orders);
  }
  private readonly id = "f00d";
  private session(verb: string, orders: readonly string[]): Result {
    return this.machine.run(`printf '%s\\n' ${orders.join(" ")} | bash ${HOST_PROGRAM} ${verb}`);
  }
  /** Add and confirm; both must succeed. What they ran. */
  deploy(payload: Payload): string[] {
    const add = this.add(payload);
    expect(add).toMatchObject({ status: 0 });
    const confirm = this.confirm();
    if (confirm.status !== 0) throw new Error(`${add.out}${confirm.out}`);
    return [...commands(add), ...commands(confirm)];
  }
  /** The same of a tree as synthesis writes it. */
  deployFiles(files: Readonly<Record<string, string>>): string[] {
    const add = this.addFiles(files);
    const confirm = this.confirm();
    if (add.status !== 0 || confirm.status !== 0) throw new Error(`${add.out}${confirm.out}`);
    return [...commands(add), ...commands(confirm)];
  }
  addFiles(
    files: Readonly<Record<string, string>>,
    orders: readonly string[] = ["prepare", "add", "switch", "bye"],
    lease = 0,
  ): Result {
    rmSync(this.tree, { recursive: true, force: true });
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.tree, path)), { recursive: true });
      writeFileSync(join(this.tree, path), text);
    }
    return this.session(`deploy ${this.tree} ${this.generation()} ${this.id} ${lease}`, orders);
  }
  giveKeys(pairs: Readonly<Record<string, { private: string }>>): void {
    for (const [name, pair] of Object.entries(pairs)) {
      this.machine.ok(`umask 077; mkdir -p /etc/wgchain/keys; echo ${pair.private} >/etc/wgchain/keys/${name}.key`);
    }
  }
  sockets(): string {
    return this.machine.ok("ss -Hlunpe | grep wireguard-go | awk '{ print $4, $6, $9 }' | sort");
  }
}
