import { openHome } from '../../src/runtime/home/open-home.ts';
import { sizeOf } from './home-log.ts';

/** Opens the home that it is told, and says whose log it has, and how long that is. */
const home = openHome(process.argv[2] ?? '', '', () => undefined);
process.stdout.write(`${home.config.origin} ${await sizeOf(home)}\n`);
