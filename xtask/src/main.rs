//! The build tool: compiles the core to WebAssembly and writes `pkg/`, byte for byte the same wherever it runs.

use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};
use wasm_bindgen_cli_support::Bindgen;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage:
  cargo xtask build           compile the core and write pkg/
  cargo xtask build --check   compile it elsewhere and fail if pkg/ differs
  cargo xtask size            print sizes and hold the budget (after npm run build)";

const TARGET: &str = "wasm32-unknown-unknown";

/// The core recurses by bounded depths alone (127 at most, a few hundred bytes each); the linker's own choice is 1 MiB,
/// which every idle client would hold. It lies below everything else, so that running over it traps.
const STACK_BYTES: u32 = 256 << 10;

/// What the linker notes, for wasm-bindgen to go by. `multivalue` is left out: a call that returns several values has to
/// have a wrapper compiled for it by V8, which takes longer than all the rest of a first compile.
const LINKED_FEATURES: &str =
    "mutable-globals,sign-ext,nontrapping-fptoint,bulk-memory,bulk-memory-opt,reference-types,call-indirect-overlong";

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

/// A build of the sources.
struct Variant {
    name: &'static str,
    cargo: &'static [&'static str],
    /// `release`, for size, or `fast`
    profile: &'static str,
    /// One instance never takes more: its memory can't shrink, and the limits in the sources stay well below.
    memory_bytes_max: u32,
    wasm_opt: &'static [&'static str],
}

/// Addresses below 1,024 are the deepest end of the stack: no other access ends there.
const SMALL: &[&str] =
    &["-Oz", "--converge", "--one-caller-inline-max-function-size=20", "--skip-pass=local-cse", "--low-memory-unused"];

const CORE: Variant =
    Variant { name: "core", cargo: &[], profile: "release", memory_bytes_max: 64 << 20, wasm_opt: SMALL };

/// `taximeter/full`: only another WebAssembly. It has the same exports, and so the same glue.
const FULL: Variant = Variant { name: "full", cargo: &["--features", "full"], ..CORE };

/// `taximeter/replay`: another face, and fast rather than small.
const REPLAY: Variant = Variant {
    name: "replay",
    cargo: &["--features", "replay"],
    profile: "fast",
    memory_bytes_max: 512 << 20,
    wasm_opt: &["-O3"],
};

fn build(root: &Path, pkg: &Path) -> Result<()> {
    fs::create_dir_all(pkg)?;
    let glue = make(root, &CORE, pkg)?;
    write_glue(root, &CORE, pkg)?;
    if make(root, &FULL, pkg)? != glue {
        return Err("the cores differ in their glue: the feature may not change what is exported".into());
    }
    make(root, &REPLAY, pkg)?;
    write_glue(root, &REPLAY, pkg)?;
    fs::write(pkg.join("inputs.sha256"), output(&mut node(root, "scripts/inputs.mjs"))?)?;
    Ok(())
}

/// Where wasm-bindgen writes.
fn bound(root: &Path, variant: &Variant) -> PathBuf {
    root.join("target/xtask").join(variant.name)
}

/// Makes a variant's WebAssembly; gives the glue as it was generated.
fn make(root: &Path, variant: &Variant, pkg: &Path) -> Result<String> {
    let out = bound(root, variant);
    Bindgen::new()
        .input_path(compile(root, variant)?)
        .out_name("core")
        .module(true)?
        .typescript(true)
        .reset_state_function(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&out)
        .map_err(|error| format!("wasm-bindgen: {error:#}"))?;
    optimise(root, variant, &out.join("core_bg.wasm"), &pkg.join(variant.name).with_extension("wasm"))?;
    Ok(fs::read_to_string(out.join("core.js"))?)
}

fn write_glue(root: &Path, variant: &Variant, pkg: &Path) -> Result<()> {
    let out = bound(root, variant);
    let glue = fs::read_to_string(out.join("core.js"))?;
    fs::write(pkg.join(variant.name).with_extension("js"), swap_boot(&glue)?)?;
    let types = fs::read_to_string(out.join("core.d.ts"))?;
    fs::write(pkg.join(variant.name).with_extension("d.ts"), types + BOOT_TYPE)?;
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

/// Compiles a variant; gives the path of the raw wasm file.
fn compile(root: &Path, variant: &Variant) -> Result<PathBuf> {
    add_target(root)?;
    run(tool(root, "cargo").args(["fetch", "--quiet", "--locked", "--target", TARGET]))?;
    // Apart, or each build would undo the other.
    let target_dir =
        if variant.name == CORE.name { root.join("target") } else { root.join("target").join(variant.name) };
    run(tool(root, "cargo")
        .args(["build", "--package", "taximeter", "--lib", "--locked", "--target", TARGET, "--target-dir"])
        .arg(&target_dir)
        .args(["--profile", variant.profile])
        .args(variant.cargo)
        // Encoded, since paths may have spaces; this variable wins over every configuration file.
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(root, variant)?.join("\x1f")))?;
    let made = target_dir.join(TARGET).join(variant.profile);
    inputs_are_hashed(root, &made.join("taximeter.d"))?;
    Ok(made.join("taximeter.wasm"))
}

fn add_target(root: &Path) -> Result<()> {
    let libdir = output(tool(root, "rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    if Path::new(libdir.trim()).is_dir() {
        return Ok(());
    }
    run(tool(root, "rustup").args(["target", "add", TARGET]))
        .map_err(|error| format!("the Rust target {TARGET} is missing and could not be added: {error}").into())
}

/// Panic locations carry absolute paths: each folder that differs between machines gets a fixed name.
fn rustflags(root: &Path, variant: &Variant) -> Result<Vec<String>> {
    let rustc = output(tool(root, "rustc").arg("-vV"))?;
    let commit = rustc.lines().find_map(|line| line.strip_prefix("commit-hash: ")).ok_or("rustc names no commit")?;
    let sysroot = output(tool(root, "rustc").args(["--print", "sysroot"]))?;
    let std_source = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
    let mut flags = vec![
        format!("-Clink-arg=--max-memory={}", variant.memory_bytes_max),
        format!("-Clink-arg=-zstack-size={STACK_BYTES}"),
        format!("-Clink-arg=--features={LINKED_FEATURES}"),
        "-Clink-arg=--no-check-features".into(),
        remap(root, "/src"),
        remap(&std_source, &format!("/rustc/{commit}")),
    ];
    // One folder a registry, named after its address: a mirror has another name for the same crates.
    for registry in fs::read_dir(cargo_home()?.join("registry/src"))? {
        flags.push(remap(&registry?.path(), "/cargo"));
    }
    Ok(flags)
}

fn remap(from: &Path, to: &str) -> String {
    format!("--remap-path-prefix={}={to}", from.display())
}

fn cargo_home() -> Result<PathBuf> {
    match (env::var_os("CARGO_HOME"), env::home_dir()) {
        (Some(home), _) => Ok(home.into()),
        (None, Some(home)) => Ok(home.join(".cargo")),
        (None, None) => Err("neither CARGO_HOME nor a home folder is set".into()),
    }
}

/// `pkg/inputs.sha256` covers these: a file the compiler read elsewhere would let a stale `pkg/` pass for fresh.
fn inputs_are_hashed(root: &Path, dep_info: &Path) -> Result<()> {
    let text = fs::read_to_string(dep_info)?;
    let (_, inputs) = text.split_once(": ").ok_or("cargo's dep-info has no list of inputs")?;
    let hashed = ["src", "patches"].map(|folder| root.join(folder));
    let outside = inputs
        .replace("\\ ", "\0")
        .split_whitespace()
        .map(|path| path.replace('\0', " "))
        .find(|path| !hashed.iter().any(|folder| Path::new(path).starts_with(folder)));
    match outside {
        None => Ok(()),
        Some(path) => {
            Err(format!("the core reads {path}: move it below src/, which is part of what the hash of pkg/ covers")
                .into())
        }
    }
}

/// The generated glue instantiates at import. Two replacements leave that to `__boot`, which the loaders call.
fn swap_boot(glue: &str) -> Result<String> {
    let glue = replace_once(glue, "import source wasmModule from \"./core_bg.wasm\";\n", "let wasmModule;\n")?;
    replace_once(
        &glue,
        "let wasmInstance = new WebAssembly.Instance(wasmModule, __wbg_get_imports());\n\
         let wasm = wasmInstance.exports;\n\
         wasm.__wbindgen_start();\n",
        "let wasmInstance, wasm;\n\
         export function __boot(module) {\n    \
             wasmModule = module;\n    \
             wasmInstance = new WebAssembly.Instance(module, __wbg_get_imports());\n    \
             wasm = wasmInstance.exports;\n    \
             wasm.__wbindgen_start();\n\
         }\n",
    )
}

const BOOT_TYPE: &str = "\n/** Makes the first instance. Every other export needs it first. */\n\
                         export function __boot(module: WebAssembly.Module): void;\n";

fn replace_once(text: &str, from: &str, to: &str) -> Result<String> {
    match text.matches(from).count() {
        1 => Ok(text.replace(from, to)),
        n => Err(format!("the generated glue changed shape: found {n} times, expected once:\n{from}").into()),
    }
}

fn optimise(root: &Path, variant: &Variant, from: &Path, to: &Path) -> Result<()> {
    if !root.join("node_modules/binaryen").is_dir() {
        return Err("wasm-opt is missing: run `npm ci` first".into());
    }
    let mut wasm_opt = node(root, "node_modules/binaryen/bin/wasm-opt");
    wasm_opt.args(variant.wasm_opt).arg("--mvp-features").args(WASM_FEATURES.map(|name| format!("--enable-{name}")));
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
