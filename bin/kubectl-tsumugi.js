#!/usr/bin/env node
// kubectl runs this for `kubectl tsumugi …`; the name it was started by tells (src/cli/program.ts).
import './tsumugi.js';
