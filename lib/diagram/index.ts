export { mermaidLimits, renderMermaid } from "./mermaid";
export { renderSvg } from "./svg";
