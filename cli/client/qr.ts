import { writeFileSync } from "node:fs";
import { PNG } from "pngjs";
import { encode, renderANSI, renderSVG } from "uqr";
import { CliError, messageOf } from "../../app/error";

/** Around the code, as readers need it: ISO 18004 wants four. */
const border = 4;
const pixelsPerModule = 8;

/** For a terminal, in black on white whatever its colours are. */
export const terminalQr = (text: string): string => renderANSI(text, { border: 2 });

/** Writes a picture for only its owner to read: the configuration in it holds a private key. */
export function writeQr(file: string, text: string): void {
  try {
    if (file.endsWith(".svg")) writeFileSync(file, renderSVG(text, { border }), { mode: 0o600 });
    else if (file.endsWith(".png")) writeFileSync(file, png(text), { mode: 0o600 });
    else throw new CliError(`${file}: a QR code is written as .svg or .png; give it one of these names`);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${file} cannot be written: ${messageOf(error)}`);
  }
}

function png(text: string): Buffer {
  const { data, size } = encode(text, { border });
  const image = new PNG({ width: size * pixelsPerModule, height: size * pixelsPerModule, colorType: 0 });
  for (let y = 0; y < image.height; y += 1) {
    for (let x = 0; x < image.width; x += 1) {
      const dark = data[Math.floor(y / pixelsPerModule)]?.[Math.floor(x / pixelsPerModule)] === true;
      image.data.fill(dark ? 0 : 255, (y * image.width + x) * 4, (y * image.width + x) * 4 + 3);
      image.data[(y * image.width + x) * 4 + 3] = 255;
    }
  }
  return PNG.sync.write(image, { colorType: 0 });
}
