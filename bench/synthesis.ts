import { Apps } from "./apps";
import { median, ratioOf, sample, type Part, type Row } from "./part";
import { planOneMore } from "./plan";
import { sharesIn } from "./profile";

const kinds = ["nothing", "empty", "main", "packed", "large"] as const;
const files = { nothing: "nothing.ts", empty: "empty.ts", main: "main.ts", packed: "packed/main.ts", large: "large.ts" } as const;
type Kind = (typeof kinds)[number];
type Found = Map<string, number[]>;

/** Where the time of the large app goes. */
const parts = {
  proof: (name: string, file: string) => name === "prove" && file.endsWith("/lib/prove/prove.ts"),
  compile: (name: string, file: string) => name === "compile" && file.endsWith("/lib/compile.ts"),
  synthesis: (name: string, file: string) => name === "synthesize" && file.endsWith("/synthesize/synthesizer.js"),
  collector: (name: string) => name === "(garbage collector)",
};

const percent = (part: number): string => `${Math.round(part * 100)} %`;

export const synthesis: Part = {
  name: "synthesis",
  about: "synthesizing, beside an empty cdktf app with the same providers; terraform plan of one client more",
  run: async ({ quick, say }) => {
    const many = quick ? 1000 : 10_000;
    const rounds = quick ? 2 : 5;
    const found: Found = new Map();
    const note = (what: string, value: number): void => void found.set(what, [...(found.get(what) ?? []), value]);
    let shares: Record<string, number>;
    const apps = new Apps();
    const stop = (): void => {
      apps.remove();
      process.exit(130);
    };
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
    try {
      // Once before it counts: tsx keeps what it translated.
      for (let round = -1; round < rounds; round += 1) {
        for (const kind of kinds) {
          const env = { BENCH_CLIENTS: String(many) };
          const { seconds, mebibytes } = await apps.run(files[kind], env);
          const first = await apps.runAnew(files[kind], env);
          if (round < 0) continue;
          note(`${kind} time`, seconds);
          note(`${kind} memory`, mebibytes);
          note(`${kind} first time`, first.seconds);
        }
        say(round < 0 ? "warm" : `round ${round + 1} of ${rounds}`);
      }
      shares = sharesIn(await apps.profile("large.ts", { BENCH_CLIENTS: String(many) }), parts);
      for (const [what, value] of await planOneMore(apps, [100, many], rounds, say)) note(what, value);
    } finally {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop);
      apps.remove();
    }
    return { rows: rowsOf(found, many), plots: [], notes: notesOf(found, shares, many) };
  },
};

function rowsOf(found: Found, many: number): Row[] {
  const of = (what: string) => sample(found.get(what) ?? [], what.endsWith("time") ? "s" : "MiB");
  const row = (what: string, mine: string, theirs: string, against: string, most?: number): Row => {
    const [ours, peer] = [of(mine), of(theirs)];
    const ratio = ratioOf(ours, peer);
    const reach = most === undefined ? {} : { reach: { text: `at most ${most}`, holds: ratio <= most } };
    return { what, ours, peer, against, ratio, ...reach };
  };
  const synths = (["time", "first time", "memory"] as const).flatMap((kind) => {
    const shown = kind === "first time" ? "time into an empty directory" : kind;
    return [
      row(`synthesis of main.ts, ${shown}`, `main ${kind}`, `empty ${kind}`, "an empty app", 1.3),
      row(`synthesis of main.ts with wgchain from npm, ${shown}`, `packed ${kind}`, `empty ${kind}`, "an empty app", 1.3),
      row(`synthesis of ${many} clients, ${shown}`, `large ${kind}`, `empty ${kind}`, "an empty app", 3),
    ];
  });
  const memory = row(`terraform plan, memory`, `plan ${many} memory`, "plan 100 memory", "one added to 100");
  const peak = Math.max(...(found.get(`plan ${many} memory`) ?? [NaN]));
  return [
    ...synths,
    row(`terraform plan, one client added to ${many}, time`, `plan ${many} time`, "plan 100 time", "one added to 100", 1.5),
    { ...memory, reach: { text: "under 512 MiB", holds: peak < 512 } },
  ];
}

function notesOf(found: Found, shares: Readonly<Record<string, number>>, many: number): string[] {
  const of = (kind: Kind): number => median(found.get(`${kind} time`) ?? []);
  const share = (name: string): number => shares[name] ?? NaN;
  return [
    `Apps run as cdktf runs them, \`node --import tsx\`. Of the empty app's time, ${percent(of("nothing") / of("empty"))} is Node.js and tsx starting for a file with nothing in it; of main.ts's, ${percent(of("nothing") / of("main"))}. The rest of the empty app is loading cdktf and the providers' files, which ours loads, too.`,
    `Of ${many} clients' time, by one profile: ${percent(share("proof"))} the proof that no packet of any client leaves elsewhere, ${percent(share("compile") - share("proof"))} the rest of compiling, ${percent(share("synthesis") - share("compile"))} writing and cdktf's own synthesis, ${percent(share("collector"))} the garbage collector; what is left is starting, loading and the app's own objects. An empty app has none of it: what is beyond three times is two megabytes of text for 10,000 clients, made from checked types, read again by the proof as the hosts will read it, and compared client by client, at 0.1 ms of processor time a client in all.`,
    "`time` is of a synthesis like the last one in the same directory, where no file has changed and none is written; into an empty directory every file of every host is made anew (CI on a fresh checkout).",
    "Peak memory is the kernel's high-water mark of the process (VmHWM), read every 5 ms.",
    "Where main.ts of this repository misses: nearly sixty milliseconds are loading eighty TypeScript files of ours, which tsx translates, resolves and gives a source map each (an empty app loads cdktf alone); a project of its own has wgchain from npm, compiled, which is the row beside it.",
    "Clients of the large app bring their public keys in the app; no key file is read for each of them.",
    "The plan is of the synthesized file as it is, by the real Terraform, with the lab's null provider. The state before it was made by an apply of the same file without its provisioners: there are no hosts to configure, and a state holds nothing of provisioners.",
  ];
}
