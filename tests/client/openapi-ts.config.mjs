// Where the description comes from and where the client goes stands on the command line; see run.
export default {
  output: { path: process.env.CLIENT_FOLDER, importFileExtension: ".js" },
  input: process.env.CLIENT_DESCRIPTION,
  logs: { level: "warn", file: false },
};
