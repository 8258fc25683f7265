import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { DapClient } from '../support/dap-client.ts';

const ADVERTISED = [
  'supportsConfigurationDoneRequest',
  'supportsDisassembleRequest',
  'supportsEvaluateForHovers',
  'supportsExceptionInfoRequest',
  'supportsFunctionBreakpoints',
  'supportsInstructionBreakpoints',
  'supportsReadMemoryRequest',
  'supportsRestartRequest',
  'supportsSetVariable',
  'supportsSteppingGranularity',
  'supportsTerminateRequest',
  'supportsWriteMemoryRequest',
];

describe('DAP capabilities', () => {
  let client: DapClient;
  let capabilities: Record<string, unknown>;

  before(async () => {
    client = DapClient.spawn();
    capabilities = { ...(await client.request('initialize', { adapterID: 'start-of-day' })) };
  });
  after(() => client.close());

  it('are exactly these', () => {
    assert.deepEqual(Object.keys(capabilities).sort(), ['exceptionBreakpointFilters', ...ADVERTISED]);
    for (const name of ADVERTISED) assert.equal(capabilities[name], true, name);
  });

  it('have two exception filters, the shutdown on from the start', () => {
    assert.deepEqual(
      (capabilities['exceptionBreakpointFilters'] as { filter: string; default: boolean }[]).map((filter) => [
        filter.filter,
        filter.default,
      ]),
      [
        ['shutdown', true],
        ['hypercall', false],
      ],
    );
  });

  it('each have a test that names them', () => {
    const texts = readdirSync(__dirname)
      .filter((file) => file.endsWith('.test.ts') && file !== path.basename(__filename))
      .map((file) => readFileSync(path.join(__dirname, file), 'utf8'));
    for (const name of ADVERTISED)
      assert.ok(
        texts.some((text) => new RegExp(`it\\('[^']*${name}`).test(text)),
        name,
      );
  });
});
