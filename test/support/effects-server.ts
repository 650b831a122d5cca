/** For who starts it by this name: see effects-server.mjs. */
import './effects-server.mjs';
