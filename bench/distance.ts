import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Lab } from "../lab";
import { median } from "./part";

/** What takes its time between the operator and all that it reaches: netem is not in every kernel, tun devices are. */
export class Distance {
  private running: ChildProcess | undefined;

  /** `directory`: where its program is made; whose it is removes it. */
  constructor(
    private readonly lab: Lab,
    private readonly directory: string,
  ) {
    const compiled = spawnSync("cc", ["-O2", "-o", this.program, join(__dirname, "delay.c")], { encoding: "utf8" });
    if (compiled.status !== 0) throw new Error(`cc: ${compiled.stderr}`);
  }

  private get program(): string {
    return join(this.directory, "delay");
  }

  /** Adds to each round trip; 0: the bare wire. Returns the round trip that ping sees to this address. */
  async add(milliseconds: number, address: string): Promise<number> {
    await this.end();
    const [operator, internet] = [this.lab.host("operator"), this.lab.host("internet")];
    const own = (await operator.sh("ip -4 -o address show dev eth0 | awk '{ sub(/\\/.*/, \"\", $4); print $4 }'")).stdout.trim();
    if (milliseconds > 0) {
      const ends = [operator, internet].flatMap(({ netns }) => [`/run/netns/${netns}`, "late"]);
      // It ends with its standard input, however this process ends.
      const child = spawn(this.program, [...ends, String(milliseconds / 2)], { stdio: ["pipe", "pipe", "inherit"] });
      this.running = child;
      const said = await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
      if (!String(said[0]).startsWith("ready")) throw new Error("what delays packets did not start");
      await operator.sh("ip route add 0.0.0.0/1 dev late; ip route add 128.0.0.0/1 dev late");
    }
    await internet.sh(`ip route replace ${own}/32 dev ${milliseconds > 0 ? "late" : "to-operator"} src 192.0.2.1`);
    const { stdout } = await operator.sh(`ping -n -i 0.2 -c 6 -W 2 ${address}`);
    const times = [...stdout.matchAll(/time=([\d.]+) ms/g)].map(([, time]) => Number(time));
    const seen = median(times);
    if (!(Math.abs(seen - milliseconds) < 1 + milliseconds * 0.05))
      throw new Error(`a round trip takes ${seen} ms, not ${milliseconds} ms: the bench does not measure what it should`);
    return seen;
  }

  async end(): Promise<void> {
    const child = this.running;
    if (child === undefined) return;
    this.running = undefined;
    if (child.exitCode === null) {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
  }
}
