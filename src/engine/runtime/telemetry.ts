/**
 * @file Turns off the telemetry of ONNX Runtime. Import this before `onnxruntime-node`.
 *
 * ONNX Runtime 1.30 reports to its maker unless `ORT_DISABLE_TELEMETRY` is set when it is loaded:
 * it writes an identifier of the machine and a database into the user's cache folder, a log into
 * the folder for temporary files, and looks up a server's name after some seconds. A user who sets
 * the variable, to `0` say, decides.
 *
 * The engine reads the environment of the process. In a worker thread `process.env` is a copy, so
 * this module has to run in the main thread; a program that uses bifocal only inside a worker of
 * its own sets the variable before it starts.
 */

process.env.ORT_DISABLE_TELEMETRY ??= '1'
