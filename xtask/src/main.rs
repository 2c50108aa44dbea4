//! The build tool: compiles the core to WebAssembly and writes `pkg/`, byte for byte the same wherever it runs.

use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage:
  cargo xtask build           compile the core and write pkg/
  cargo xtask build --check   compile it elsewhere and fail if pkg/ differs
  cargo xtask size            print sizes and hold the budget (after npm run build)";

const TARGET: &str = "wasm32-unknown-unknown";

/// Features every engine we name has. `wasm-opt --all-features` emits types that none of them loads.
const WASM_FEATURES: [&str; 7] = [
    "mutable-globals",
    "sign-ext",
    "nontrapping-float-to-int",
    "bulk-memory",
    "bulk-memory-opt",
    "reference-types",
    "multivalue",
];

/// What makes the smallest gzip. Many small functions compress better than few large ones, whose locals have many numbers.
/// Below address 1024 is the stack's far end, where nothing lies.
const SMALLEST: [&str; 7] = [
    "-Oz",
    "--converge",
    "--one-caller-inline-max-function-size=20",
    "--skip-pass=local-cse",
    "--low-memory-unused",
    "--strip-debug",
    "--strip-producers",
];

/// The standard library is compiled with the core: small, and with panics that are traps at once, without the words that
/// nobody would read. Stable Rust calls that unstable; the toolchain is pinned, so it stays as it is.
const STD: [&str; 2] = ["-Zbuild-std=std,panic_abort", "-Zbuild-std-features="];

/// Without locations nothing in the file tells the folders of the machine that made it. One instance never takes more
/// than 64 MiB: its memory can't shrink, and the core's own limits stay well below.
const FLAGS: [&str; 4] =
    ["-Zunstable-options", "-Cpanic=immediate-abort", "-Zlocation-detail=none", "-Clink-arg=--max-memory=67108864"];

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = root().and_then(|root| match args.as_slice() {
        ["build"] => build(&root, &root.join("pkg")),
        ["build", "--check"] => check(&root),
        ["size"] => run(&mut node(&root, "scripts/size.mjs")),
        _ => Err(USAGE.into()),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's folder. Asked at run time: the folder may have moved since this tool was compiled.
fn root() -> Result<PathBuf> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(|_| "start it as `cargo xtask`")?);
    Ok(manifest.parent().ok_or("xtask/ has no parent folder")?.to_owned())
}

fn build(root: &Path, pkg: &Path) -> Result<()> {
    let wasm = compile(root)?;
    fs::create_dir_all(pkg)?;
    optimise(root, &wasm, &pkg.join("core.wasm"))?;
    fs::write(pkg.join("inputs.sha256"), output(&mut node(root, "scripts/inputs.mjs"))?)?;
    Ok(())
}

fn check(root: &Path) -> Result<()> {
    let fresh = root.join("target/xtask/pkg");
    build(root, &fresh)?;
    let mut differing = Vec::new();
    for file in fs::read_dir(&fresh)? {
        let name = file?.file_name();
        if fs::read(fresh.join(&name))? != fs::read(root.join("pkg").join(&name)).unwrap_or_default() {
            differing.push(name.to_string_lossy().into_owned());
        }
    }
    if differing.is_empty() {
        println!("pkg/ is what the sources make, byte for byte");
        return Ok(());
    }
    differing.sort();
    let list = differing.join(", ");
    Err(format!("pkg/ is not what the sources make ({list}): run `cargo xtask build` and commit pkg/").into())
}

/// Compiles the core; gives the path of the raw wasm file.
fn compile(root: &Path) -> Result<PathBuf> {
    add_target(root)?;
    let target_dir = root.join("target");
    run(tool(root, "cargo")
        .args(["build", "--package", "taximeter", "--lib", "--release", "--locked", "--target", TARGET, "--target-dir"])
        .arg(&target_dir)
        .args(STD)
        .env("RUSTC_BOOTSTRAP", "1")
        // This variable wins over every configuration file; its separator is no space.
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f")))?;
    let release = target_dir.join(TARGET).join("release");
    inputs_are_hashed(root, &release.join("taximeter.d"))?;
    Ok(release.join("taximeter.wasm"))
}

fn add_target(root: &Path) -> Result<()> {
    let libdir = output(tool(root, "rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    if Path::new(libdir.trim()).is_dir() {
        return Ok(());
    }
    run(tool(root, "rustup").args(["target", "add", TARGET]))
        .map_err(|error| format!("the Rust target {TARGET} is missing and could not be added: {error}").into())
}

/// `pkg/inputs.sha256` covers `src/`: a file the compiler read elsewhere would let a stale `pkg/` pass for fresh.
fn inputs_are_hashed(root: &Path, dep_info: &Path) -> Result<()> {
    let text = fs::read_to_string(dep_info)?;
    let (_, inputs) = text.split_once(": ").ok_or("cargo's dep-info has no list of inputs")?;
    let src = root.join("src");
    let outside = inputs
        .replace("\\ ", "\0")
        .split_whitespace()
        .map(|path| path.replace('\0', " "))
        .find(|path| !Path::new(path).starts_with(&src));
    match outside {
        None => Ok(()),
        Some(path) => {
            Err(format!("the core reads {path}: move it below src/, which is what the hash of pkg/ covers").into())
        }
    }
}

fn optimise(root: &Path, from: &Path, to: &Path) -> Result<()> {
    if !root.join("node_modules/binaryen").is_dir() {
        return Err("wasm-opt is missing: run `npm ci` first".into());
    }
    let mut wasm_opt = node(root, "node_modules/binaryen/bin/wasm-opt");
    wasm_opt.args(["--mvp-features"]).args(WASM_FEATURES.map(|name| format!("--enable-{name}"))).args(SMALLEST);
    run(wasm_opt.arg(from).arg("-o").arg(to))
}

fn node(root: &Path, script: &str) -> Command {
    let mut command = tool(root, "node");
    command.arg(root.join(script));
    command
}

fn tool(root: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root);
    command
}

fn run(command: &mut Command) -> Result<()> {
    match command.status().map_err(|error| format!("{}: {error}", name(command)))?.success() {
        true => Ok(()),
        false => Err(format!("{} failed", name(command)).into()),
    }
}

/// What the command prints; its stderr is shown as it comes.
fn output(command: &mut Command) -> Result<String> {
    let done = command.stderr(Stdio::inherit()).output().map_err(|error| format!("{}: {error}", name(command)))?;
    match done.status.success() {
        true => Ok(String::from_utf8(done.stdout)?),
        false => Err(format!("{} failed", name(command)).into()),
    }
}

/// The command without its arguments' noise.
fn name(command: &Command) -> String {
    let words: Vec<_> =
        [command.get_program()].into_iter().chain(command.get_args().take(1)).map(OsStr::to_string_lossy).collect();
    words.join(" ")
}
