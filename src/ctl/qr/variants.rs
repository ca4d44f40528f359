//! Variants of a picture, of which one may show a QR code that the decoder finds.
//!
//! The decoder wants dark modules on a light ground, a margin, and some pixels for each module. Web pages have codes on
//! transparent or dark ground, in pale colours, without a margin, or resampled to less than two pixels for each module.

use image::imageops::{FilterType, invert, replace, resize};
use image::{DynamicImage, GrayImage, Luma};

/// The factors by which a picture is enlarged, in the order in which they are tried.
const FACTORS: [u32; 4] = [1, 2, 3, 4];

/// The maximum number of pixels of an enlarged picture.
const MAX_PIXELS: u64 = 40_000_000;

/// The width of the margin, in pixels.
const MARGIN: u32 = 16;

const WHITE: u8 = 255;

/// The variants of a picture, the most likely one first. Each is made when it is asked for.
pub(super) fn variants(picture: &DynamicImage) -> impl Iterator<Item = GrayImage> {
    let sources = sources(picture);
    FACTORS.into_iter().flat_map(move |factor| {
        let fitting: Vec<_> = sources.iter().filter(|source| fits(source, factor)).cloned().collect();
        fitting.into_iter().map(move |source| with_margin(&enlarged(source, factor)))
    })
}

/// The picture, and the picture inverted. A picture with transparent parts may stand on a light or a dark page.
fn sources(picture: &DynamicImage) -> Vec<GrayImage> {
    let light = stretched(flattened(picture, WHITE));
    let mut sources = vec![light.clone(), inverted(light)];
    if picture.color().has_alpha() {
        sources.push(inverted(stretched(flattened(picture, 0))));
    }
    sources
}

/// The brightness of the picture on a ground of this brightness.
fn flattened(picture: &DynamicImage, ground: u8) -> GrayImage {
    let pixels = picture.to_luma_alpha8();
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [luma, alpha] = pixels.get_pixel(x, y).0.map(u32::from);
        let sum = luma * alpha + u32::from(ground) * (u32::from(u8::MAX) - alpha);
        Luma([u8::try_from(sum / u32::from(u8::MAX)).unwrap_or(WHITE)])
    })
}

/// The picture with its darkest pixel black and its lightest one white.
fn stretched(mut picture: GrayImage) -> GrayImage {
    let lowest = picture.iter().copied().min().unwrap_or_default();
    let range = u32::from(picture.iter().copied().max().unwrap_or_default() - lowest).max(1);
    for pixel in picture.iter_mut() {
        *pixel = u8::try_from(u32::from(*pixel - lowest) * u32::from(u8::MAX) / range).unwrap_or(WHITE);
    }
    picture
}

fn inverted(mut picture: GrayImage) -> GrayImage {
    invert(&mut picture);
    picture
}

fn fits(picture: &GrayImage, factor: u32) -> bool {
    let pixels = u64::from(picture.width()) * u64::from(picture.height());
    factor == 1 || pixels * u64::from(factor).pow(2) <= MAX_PIXELS
}

fn enlarged(picture: GrayImage, factor: u32) -> GrayImage {
    match factor {
        1 => picture,
        _ => {
            let [width, height] = [picture.width(), picture.height()].map(|length| length * factor);
            resize(&picture, width, height, FilterType::CatmullRom)
        }
    }
}

fn with_margin(picture: &GrayImage) -> GrayImage {
    let [width, height] = [picture.width(), picture.height()].map(|length| length + 2 * MARGIN);
    let mut framed = GrayImage::from_pixel(width, height, Luma([WHITE]));
    replace(&mut framed, picture, MARGIN.into(), MARGIN.into());
    framed
}
