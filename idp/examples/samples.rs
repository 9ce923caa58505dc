//! Writes every page in every state as HTML, with the style sheet beside it: `cargo run --example samples -- DIR`.

use std::path::PathBuf;

use stepgate::pages::{assets::Asset, samples};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("where to? give a folder")?);
    std::fs::create_dir_all(folder.join("static"))?;
    for asset in Asset::ALL {
        std::fs::write(folder.join("static").join(asset.name()), asset.bytes())?;
    }
    for (name, html) in samples::all()? {
        std::fs::write(folder.join(format!("{name}.html")), html.replace("\"/static/", "\"static/"))?;
    }
    Ok(())
}
