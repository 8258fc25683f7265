import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Speed of the v86 emulator on a guest that ends with a write to port 0xf4. */
export interface V86Speed {
  readonly seconds: number;
  /** Millions of instructions per second, by v86's own count. */
  readonly mips: number;
}

interface V86Cpu {
  readonly io: { register_write(port: number, device: object, write: (value: number) => void): void };
}
interface V86Emulator {
  readonly v86: { readonly cpu: V86Cpu };
  add_listener(event: string, listener: () => void): void;
  get_instruction_counter(): number;
  run(): void;
  destroy(): Promise<void>;
}
interface V86Module {
  readonly V86: new (options: object) => V86Emulator;
}

const PACKAGE = join('node_modules', 'v86', 'build');
const EXIT_PORT = 0xf4;

/** Runs a Multiboot guest in v86 to its end; undefined where the package is not installed. `jit` false leaves its interpreter alone. */
export async function v86Speed(elf: string, jit: boolean): Promise<V86Speed | undefined> {
  const library = join(PACKAGE, 'libv86.mjs');
  if (!existsSync(library)) return undefined;
  const { V86 } = (await import(pathToFileURL(library).href)) as V86Module;
  const emulator = new V86({
    wasm_path: join(PACKAGE, 'v86.wasm'),
    memory_size: 128 * 1024 * 1024,
    multiboot: { buffer: Uint8Array.from(readFileSync(elf)).buffer },
    disable_jit: !jit,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
  });
  await new Promise<void>((resolve) => {
    emulator.add_listener('emulator-ready', resolve);
  });
  const start = performance.now();
  const end = new Promise<V86Speed>((resolve) => {
    emulator.v86.cpu.io.register_write(EXIT_PORT, {}, () => {
      const seconds = (performance.now() - start) / 1000;
      resolve({ seconds, mips: (emulator.get_instruction_counter() >>> 0) / seconds / 1e6 });
    });
  });
  emulator.run();
  const speed = await end;
  await emulator.destroy();
  return speed;
}
