// What Python starts for jsii, in one process: jsii's own launcher starts its program in a second one, and
// hands every message on. The program talks on descriptor 3, in both directions; Python on the standard ones.
// What is printed goes to the standard error, as the launcher has it.

const fs = require("fs");

const { readSync, writeSync } = fs;
fs.readSync = (descriptor, ...rest) => readSync(descriptor === 3 ? 0 : descriptor, ...rest);
fs.writeSync = (descriptor, ...rest) => writeSync(descriptor === 3 ? 1 : descriptor, ...rest);
process.stdout.write = process.stderr.write.bind(process.stderr);

require(process.argv[2]);
