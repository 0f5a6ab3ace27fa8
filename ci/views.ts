import { compareStacks, listFiles, renderMarkdown, sideOf, withValues, type ValueOf } from "../lib/diff";
import { renderMermaid } from "../lib/diagram";
import { traceNetwork } from "../lib/trace";
import type { Views } from "./sections";

/** What `wgchain diff` tells and `wgchain diagram` draws; both sides are traced once. */
export const viewsOf = (valueOf: ValueOf): Views => ({
  compare(base, head) {
    const [one, two] = [sideOf(base), sideOf(head)];
    const diff = compareStacks(one, two, valueOf);
    return {
      told: renderMarkdown(diff, listFiles(base.files, head.files, diff.files)),
      drawn: renderMermaid(withValues(two.network, valueOf), withValues(one.network, valueOf)),
    };
  },
  draw: (head) => renderMermaid(withValues(traceNetwork(head), valueOf)),
});
