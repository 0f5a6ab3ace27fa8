export { renderMermaid } from "./mermaid";
export { renderSvg } from "./svg";
