import type { PictureReply, ScreenReply } from '../adapter/protocol.ts';
import type { ScreenRequest, ScreenUpdate } from './screen/messages.ts';
import { canvasPixels } from './screen/picture.ts';
import { classesOf, runsOf } from './screen/runs.ts';
import type { Run } from './screen/runs.ts';
import { scanCodes } from './screen/keys.ts';

declare function acquireVsCodeApi(): { postMessage(message: ScreenRequest): void };

const extension = acquireVsCodeApi();

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page of the Screen view has no element "${id}"`);
  return found;
}

/** Draws the machine's text screen; only rows that differ from the last picture are drawn again. */
class Picture {
  private readonly screen = element('screen');
  private drawn: string[] = [];
  /** In place of the rows in a graphics mode. */
  private canvas: HTMLCanvasElement | undefined;

  draw(screen: ScreenReply): void {
    const { columns, rows, text, attributes, cursor, picture } = screen;
    if (picture !== undefined) return this.drawPixels(picture);
    const bytes = Uint8Array.from(atob(attributes), (character) => character.charCodeAt(0));
    if (this.canvas !== undefined || this.screen.childElementCount !== rows) {
      this.canvas = undefined;
      this.screen.replaceChildren(...Array.from({ length: rows }, () => document.createElement('div')));
      this.drawn = [];
    }
    for (let row = 0; row < rows; row++) {
      const runs = runsOf(
        text[row] ?? '',
        bytes.subarray(row * columns, (row + 1) * columns),
        cursor?.row === row ? cursor.column : undefined,
      );
      const key = JSON.stringify([runs, screen.blinks, runs.some((run) => run.cursor) ? cursor : undefined]);
      if (this.drawn[row] === key) continue;
      this.drawn[row] = key;
      this.screen.children[row]?.replaceChildren(...runs.map((run) => span(run, screen)));
    }
  }

  private drawPixels(picture: PictureReply): void {
    const { width, height } = picture;
    if (this.canvas === undefined) {
      this.canvas = document.createElement('canvas');
      this.screen.replaceChildren(this.canvas);
    }
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.canvas.getContext('2d')?.putImageData(new ImageData(canvasPixels(picture), width, height), 0, 0);
  }
}

function span(run: Run, { blinks, cursor, cellLines }: ScreenReply): HTMLSpanElement {
  const made = document.createElement('span');
  made.textContent = run.text;
  made.className = classesOf(run.attribute, blinks);
  if (run.cursor && cursor !== undefined) {
    made.classList.add('cursor');
    made.style.setProperty('--first', String(cursor.firstLine / cellLines));
    made.style.setProperty('--height', String((cursor.lastLine + 1 - cursor.firstLine) / cellLines));
  }
  return made;
}

/** Sends what is typed while the screen has the focus. Tab, function keys and combinations stay VS Code's. */
class Keyboard {
  private readonly held = new Set<string>();

  constructor(screen: HTMLElement) {
    screen.addEventListener('keydown', (event) => this.press(event));
    screen.addEventListener('keyup', (event) => this.release(event.code));
    screen.addEventListener('blur', () => this.held.forEach((key) => this.release(key)));
  }

  private press(event: KeyboardEvent): void {
    const ofVsCode =
      event.ctrlKey || event.altKey || event.metaKey || event.code === 'Tab' || /^F\d+$/.test(event.code);
    const codes = scanCodes(event.code, true);
    if (ofVsCode || codes.length === 0) return;
    event.preventDefault();
    this.held.add(event.code);
    extension.postMessage({ type: 'keys', scanCodes: codes });
  }

  private release(key: string): void {
    if (this.held.delete(key)) extension.postMessage({ type: 'keys', scanCodes: scanCodes(key, false) });
  }
}

const picture = new Picture();
const state = element('state');

window.addEventListener('message', ({ data }: MessageEvent<ScreenUpdate>) => {
  document.body.dataset['state'] = data.type === 'ended' ? 'ended' : data.state;
  if (data.type === 'ended') {
    state.textContent = 'The session has ended';
    return;
  }
  picture.draw(data.screen);
  state.textContent =
    data.state === 'running' ? 'Running' : `Stopped at instruction ${data.screen.instruction.toLocaleString('en-US')}`;
});

new Keyboard(element('screen'));
element('read').addEventListener('click', () => extension.postMessage({ type: 'readAsText' }));
extension.postMessage({ type: 'ready' });
