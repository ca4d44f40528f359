"""Makes pictures of QR codes as web pages show them.

usage: pictures.py FOLDER TEXT OTHER    TEXT is the URI of an account, and OTHER one more
"""

import io
import sys
from pathlib import Path

import qrcode
import segno
from PIL import Image, ImageDraw, ImageFilter
from qrcode.image.styledpil import StyledPilImage
from qrcode.image.styles.moduledrawers.pil import RoundedModuleDrawer

folder, text, other = Path(sys.argv[1]), sys.argv[2], sys.argv[3]


def code(scale, dark="black", light="white", border=4, content=text):
    file = io.BytesIO()
    segno.make(content, error="m", micro=False).save(file, kind="png", scale=scale, dark=dark, light=light, border=border)
    return Image.open(file)


def save(name, picture, scale, kind="png", **options):
    picture.save(folder / f"{name}-{scale}.{kind}", **options)


def resampled(picture, factor, how):
    return picture.resize([round(length * factor) for length in picture.size], how)


def screen(ground, *pictures):
    """A large screen with coloured boxes, and codes on it."""
    page = Image.new("RGB", (2560, 1440), ground)
    drawing = ImageDraw.Draw(page)
    for n in range(400):
        x, y = n * 331 % 2500, n * 197 % 1400
        drawing.rectangle((x, y, x + n % 60, y + n % 11), fill=(n * 37 % 256, n * 91 % 256, n * 53 % 256))
    for n, picture in enumerate(pictures):
        page.paste(picture.convert("RGB"), (300 + 900 * n, 400))
    return page


for scale in 3, 5, 8:
    plain = code(scale).convert("L")
    save("plain", plain, scale)
    save("no-margin", code(scale, border=0), scale)
    save("transparent", code(scale, light=None), scale)
    save("white-on-transparent", code(scale, dark="white", light=None).convert("RGBA"), scale)
    save("inverted", code(scale, dark="white", light="black"), scale)
    save("dark-page", code(scale, dark="#e0e0e0", light="#1e1e2e").convert("RGB"), scale)
    save("faint", code(scale, dark="#b0b0b0", light="#c8c8c8").convert("RGB"), scale)
    save("coloured", code(scale, dark="#ff9900").convert("RGB"), scale)
    save("shrunk", resampled(plain, 0.77, Image.BILINEAR), scale)
    save("grown", resampled(plain, 1.3, Image.NEAREST), scale)
    save("turned", plain.rotate(10, resample=Image.BICUBIC, expand=True, fillcolor=255), scale)
    save("blurred", plain.filter(ImageFilter.GaussianBlur(scale * 0.35)), scale)
    save("photo", plain.convert("RGB"), scale, "jpg", quality=30)
    save("web", plain.convert("RGB"), scale, "webp", quality=60)
    save("screen", screen("#f5f5fa", plain), scale)
    save("dark-screen", screen("#1e1e2e", code(scale, dark="#f0f0f0", light="#202020")), scale)

round_ones = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_H, box_size=8)
round_ones.add_data(text)
save("rounded", round_ones.make_image(StyledPilImage, module_drawer=RoundedModuleDrawer()).convert("RGB"), 8)

two = folder / "refused"
two.mkdir()
screen("white", code(5), code(5, content=other)).save(two / "two.png")
code(5, content="https://example.com/").save(two / "link.png")
Image.new("L", (200, 200), 255).save(two / "empty.png")
(two / "text.png").write_text(text)
(two / "cut.png").write_bytes((folder / "plain-5.png").read_bytes()[:200])
