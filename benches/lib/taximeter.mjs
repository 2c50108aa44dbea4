// The built package, by the file that `import 'taximeter'` is in Node. Its name is not found from here, since this folder
// has a package.json of its own.
export * from '../../dist/inline.js'
