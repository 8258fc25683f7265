import { dapCommand } from '../../cli/dap-command.ts';
import { reportTo } from './report-error.ts';

/** The adapter as a program of its own: `node dist/adapter.js [--port N]`. */
dapCommand.run(process.argv.slice(2)).catch(reportTo(process.stderr));
