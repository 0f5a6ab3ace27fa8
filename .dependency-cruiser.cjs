/**
 * Imports go one way: main, examples -> constructs -> lib; cli, lab -> app (how an app is run) -> lib. Each rule with its reason.
 * @type {import("dependency-cruiser").IConfiguration}
 */
const rule = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

module.exports = {
  forbidden: [
    rule(
      "no-cycles",
      "a file that needs itself cannot be understood, tested or loaded alone",
      {},
      {
        circular: true,
        // A type alone is gone when it runs, and a class may know the type of what it registers with.
        viaOnly: { dependencyTypesNot: ["type-only"] },
      },
    ),
    rule(
      "lib-is-pure",
      "lib decides everything from its arguments: no cdktf, no files, no network, no processes, no crypto; so its results are the same everywhere, and property tests can run it 10,000 times",
      { path: "^lib/" },
      // dagre: where boxes and lines of a picture go; yaml: text and its tree; pure, too.
      { pathNot: ["^lib/", "^node_modules/ipaddr\\.js/", "^node_modules/@dagrejs/", "^node_modules/yaml/"] },
    ),
    rule(
      "constructs-know-lib-only",
      "another project imports the constructs: nothing of the lab (its servers) or the command line (its ssh) may come along",
      { path: "^constructs/" },
      { path: "^(app|cli|lab|main\\.ts|examples|host|tools|__tests__)(/|$)" },
    ),
    rule(
      "constructs-stand-on-peers",
      "what the constructs need is what the package asks for, and nothing more",
      { path: "^constructs/", pathNot: "^constructs/jest\\.ts$" },
      { path: "^node_modules/", pathNot: "^node_modules/(cdktf|constructs|@cdktf/provider-(google|null))/" },
    ),
    rule(
      "matchers-add-to-expect",
      "jest's matchers take the expect that is there; only the types that they add to are named",
      { path: "^constructs/jest\\.ts$" },
      { path: "^node_modules/", pathNot: "^node_modules/expect/" },
    ),
    rule("constructs-without-jest", "an app has no jest", { path: "^constructs/" }, { path: "^constructs/jest\\.ts$" }),
    rule(
      "apps-use-constructs",
      "main.ts and the examples are what a user would write, and a user has the package's exports only",
      { path: "^(main\\.ts|examples/[^/]+/main\\.ts$)" },
      { path: "^(app|lib|cli|lab|host|tools|__tests__)/" },
    ),
    rule(
      "cli-knows-lib-only",
      "the command line reads what an app writes (lib/inventory), whatever version of the constructs wrote it; only cli/lab.ts opens the lab",
      { path: "^cli/", pathNot: "^cli/lab\\.ts$" },
      { path: "^(constructs|lab|main\\.ts|examples|__tests__)/" },
    ),
    rule(
      "lab-knows-lib-only",
      "the lab runs any app as its users do, from the outside (app/)",
      { path: "^(lab|app)/" },
      { path: "^(constructs|cli|main\\.ts|examples|__tests__)/" },
    ),
    rule(
      "nobody-imports-lab",
      "the lab is the product's test bench, and where it is measured: what reaches real hosts must not be able to depend on it",
      { pathNot: "^(lab/|faults/|bench/|cli/lab\\.ts$|__tests__/(lab-|e2e/)|examples/(run|[^/]+/scenario)\\.ts$)" },
      { path: "^lab/" },
    ),
    rule(
      "faults-know-lab-only",
      "the fault matrix treats the product as its users do: a copy of its files, deployed and probed in the lab",
      { path: "^faults/" },
      { path: "^(app|constructs|lib|cli|main\\.ts|examples|__tests__)/" },
    ),
    rule(
      "nobody-imports-faults",
      "it is a test; the bench makes Terraform forget as it does, and a unit test looks at its rows",
      { pathNot: "^((faults|bench)/|__tests__/faults-)" },
      { path: "^faults/" },
    ),
    rule(
      "differential-knows-lib",
      "it holds the renderer, the host program and the trace against real packets; the trace must not be able to know how",
      { path: "^differential/" },
      { path: "^(constructs|cli|lab|faults|main\\.ts|examples|__tests__)/" },
    ),
    rule("nobody-imports-bench", "it measures", { pathNot: "^bench/" }, { path: "^bench/" }),
    rule("nobody-imports-differential", "it is a test", { pathNot: "^(differential|bench)/" }, { path: "^differential/" }),
    rule("nobody-imports-examples", "they are copied, not used", { pathNot: "^examples/" }, { path: "^examples/" }),
    rule(
      "examples-stand-alone",
      "who copies the folder of one has all of it",
      { path: "^examples/([^/]+)/" },
      { path: "^examples/", pathNot: "^examples/$1/" },
    ),
    rule(
      "nobody-imports-tests",
      "tests are not shipped",
      { pathNot: "^(__tests__/|bench/|examples/[^/]+/__tests__/)" },
      { path: "^__tests__/" },
    ),
    rule("all-resolve", "an import that leads nowhere fails only when it runs", {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: "^node_modules/" },
    exclude: { path: "^(dist|cdktf\\.out)/" },
    tsPreCompilationDeps: true,
    // No tsConfig: with it "constructs", the package, is taken for the folder of that name.
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
      mainFields: ["main", "types"],
    },
  },
};
