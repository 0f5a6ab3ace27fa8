import { readFileSync } from "node:fs";
import { Comment, Converter, ReflectionKind } from "typedoc";

const intro = `What the package exports, made from the code by \`npm run docs\`: \`import { WgNode } from "wgchain"\`, and for tests \`import "wgchain/jest"\`.
Every construct is made with \`new Construct(scope, id, props)\`, its scope a stack or a construct in one; all of one network stand in one stack. Whatever does not
parse or does not fit is collected and reported by synthesis, with the construct's path and the mend. Numbers have their unit in their name.`;

const read = (file) => readFileSync(new URL(file, import.meta.url), "utf8");

/** What the package exports, by the file that it comes from: a page of the reference each. */
const exported = new Map(
  [...read("constructs/index.ts").matchAll(/^export (?:type )?\{([^}]+)\} from "(.+)";$/gm)].map(([, names, from]) => [
    from.startsWith("../lib/") ? from.slice(3) : `constructs/${from.slice(2)}`,
    names.split(",").map((name) => name.trim().replace(/^type /, "")),
  ]),
);
const file = (module) => (module === "lib/trace" ? "lib/trace/index.ts" : `${module}.ts`);

/**
 * A file exports to the package's other files, too: that is taken out. So are the constructors of constructs, which are all alike: scope, id, props.
 * A page has its file's name.
 */
function whatUsersSee(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    project.comment = new Comment([{ kind: "text", text: intro }]);
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      const names = exported.get(module.name);
      const unseen = [...(module.children ?? [])].filter(({ name }) => names !== undefined && !names.includes(name));
      const constructors = module
        .getChildrenByKind(ReflectionKind.Class)
        .flatMap((one) => one.getChildrenByKind(ReflectionKind.Constructor));
      for (const one of [...unseen, ...constructors]) project.removeReflection(one);
      module.name = module.name.split("/").at(-1);
    }
    for (const one of project.getReflectionsByKind(ReflectionKind.Property)) {
      // This is enough for notDocumented.
      if (one.comment?.summary.length === 0) app.logger.error(`${one.getFullName()} has tags alone; say what it is`);
    }
  });
}

/** @type {import("typedoc").TypeDocOptions & import("typedoc-plugin-markdown").PluginOptions} */
export default {
  entryPoints: [...[...exported.keys()].map(file), "constructs/jest.ts"],
  plugin: ["typedoc-plugin-markdown", whatUsersSee],
  tsconfig: "tsconfig.build.json",
  out: "docs/reference",
  readme: "none",
  name: "Reference",
  router: "module",
  sort: ["required-first", "source-order"],
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeProtected: true,
  disableSources: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  hideGroupHeadings: true,
  interfacePropertiesFormat: "table",
  classPropertiesFormat: "table",
  typeAliasPropertiesFormat: "table",
  parametersFormat: "table",
  tableColumnSettings: { hideModifiers: true },
  // Jest's own shapes of a matcher; `NetworkMatchers` says what each one does.
  intentionallyNotExported: ["constructs/jest.ts:Context", "constructs/jest.ts:Result"],
  intentionallyNotDocumented: ["toExit", "toReachNothing", "toTakeHops", "toStayClosedWithout"].map(
    (name) => `jest.matchers.__type.${name}`,
  ),
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  requiredToBeDocumented: ["Class", "Interface", "Property", "Method", "Function", "TypeAlias", "Accessor", "Variable"],
  treatValidationWarningsAsErrors: true,
};
