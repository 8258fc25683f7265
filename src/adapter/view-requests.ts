import type { Picture } from '../machine/video/vga-picture.ts';
import { toBase64 } from '../util/base64.ts';
import { machineRows } from './machine-rows.ts';
import { pvOpsReply } from './pv-ops-reply.ts';
import type { CustomRequest, PictureReply } from './protocol.ts';
import type { Handlers } from './requests.ts';
import type { SessionState } from './session-state.ts';

function pictureReply({ width, height, pixels, palette }: Picture): PictureReply {
  return { width, height, pixels: toBase64(pixels), palette: toBase64(palette) };
}

/** What the views of the extension ask for. */
export function viewRequests(state: SessionState): Handlers<CustomRequest> {
  const instruction = (): number => state.debuggee.target.instructions;
  return {
    'startOfDay/boot': () => {
      const { configuration, debuggee } = state.launched;
      const { plan } = debuggee.inspection;
      return {
        instruction: instruction(),
        program: configuration.program,
        entry: plan.entry,
        entryLabel: plan.label,
        hypervisor: debuggee.machine.hypervisor,
        chosen: plan.chosen,
        promises: debuggee.promises.map(({ item, promise, atEntry, verdict }) => ({
          item,
          atEntry,
          verdict,
          ...(promise === undefined ? {} : { promise }),
        })),
      };
    },
    'startOfDay/machine': () => ({ instruction: instruction(), rows: machineRows(state.debuggee) }),
    'startOfDay/pvOps': () => pvOpsReply(state.debuggee),
    'startOfDay/screen': () => {
      const { characters, attributes, cursor, picture, ...screen } = state.debuggee.machine.screen();
      return {
        instruction: instruction(),
        ...screen,
        text: characters,
        attributes: toBase64(attributes),
        ...(cursor === undefined ? {} : { cursor }),
        ...(picture === undefined ? {} : { picture: pictureReply(picture) }),
      };
    },
    'startOfDay/keyboard': ({ scanCodes }) => {
      state.debuggee.machine.pressScanCodes(scanCodes);
      state.debuggee.control.wake();
      return undefined;
    },
    'startOfDay/serialInput': ({ text }) => {
      state.debuggee.machine.receiveSerial(Array.from(text, (character) => character.charCodeAt(0) & 0xff));
      state.debuggee.control.wake();
      return undefined;
    },
  };
}
