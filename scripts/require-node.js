// Run before the sources are, which Node below 24 cannot load. Plain JavaScript that any Node can parse.
const NODE_MAJOR_MIN = 24;

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  console.error(
    `Pithos is developed on Node ${NODE_MAJOR_MIN} and this is Node ${process.versions.node}: run "npm ci", which` +
      ` brings Node ${NODE_MAJOR_MIN} beside the project, and start with "npm run", "npm test" or "npx", which find it.`,
  );
  process.exitCode = 1;
}
