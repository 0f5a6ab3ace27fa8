import { nodes } from "../reference";
import type { Row } from "../row";

/** The watch that all other rows rely on sees a single packet on every wire, of either kind of leak. */
export const watchSees: Row = {
  name: "watch-sees",
  core: true,
  about: "One packet on purpose on each uplink, on the private line, and to a client's destination: the watch sees every one.",
  leaks: nodes.length + 2,
  async run(bench) {
    for (const node of nodes) await bench.sh(node, "ping -c1 -W0.1 -q 10.77.0.1 || true");
    await bench.sh(
      "sz",
      `ip neigh replace 10.77.0.2 lladdr 02:00:00:00:00:77 dev priv0
       ping -c1 -W0.1 -q -I priv0 10.77.0.2 || true; ip neigh del 10.77.0.2 dev priv0; ping -c1 -W0.1 -q 192.0.2.12 || true`,
    );
    return `${nodes.length + 2} sent`;
  },
};
