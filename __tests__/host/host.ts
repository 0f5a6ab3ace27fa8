import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  private readonly tree = join(directory, "tree");
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
  add(payload: Payload): Result {
    writePayload(this.tree, payload);
    return this.verb(`add ${this.tree} ${this.generation()}`);
  }
  confirm(): Result {
    return this.verb(`confirm ${this.generation()}`);
  }
  /** Add and confirm; both must succeed. What they ran. */
  deploy(payload: Payload): string[] {
    const add = this.add(payload);
    expect(add).toMatchObject({ status: 0 });
    const confirm = this.confirm();
    expect(confirm).toMatchObject({ status: 0 });
    return [...commands(add), ...commands(confirm)];
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
