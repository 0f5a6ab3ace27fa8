import type { Row } from "../row";
import { changes } from "./changes";
import { damage } from "./damage";
import { onHosts } from "./host";
import { killed } from "./killed";
import { outsidePeer } from "./outside-peer";
import { withTerraform } from "./terraform";
import { unreachable } from "./unreachable";
import { untouched } from "./untouched";
import { watchSees } from "./watch";

/** In the order in which they run. */
export const rows: readonly Row[] = [
  watchSees,
  ...untouched,
  ...changes,
  ...damage,
  ...onHosts,
  ...unreachable,
  outsidePeer,
  ...withTerraform,
  ...killed,
];
