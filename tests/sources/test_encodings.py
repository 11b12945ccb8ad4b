import pytest

from citygap.sources.encodings import dbf_encoding, guess_encoding, text_encoding


@pytest.mark.parametrize(
    ("text", "codec", "guessed"),
    [
        ("上海市静安区南京西路1号 建成年代", "gbk", "GB18030"),
        ("臺北市大安區復興南路一段", "big5", "Big5"),
        ("Zürich, Köln, Málaga", "latin1", "CP1252"),
        ("建成年代", "utf-8", "UTF-8"),
        ("plain", "ascii", "UTF-8"),
    ],
)
def test_guess(text, codec, guessed):
    assert guess_encoding(text.encode(codec)) == guessed


@pytest.mark.parametrize(
    ("name", "encoding", "declared"),
    [
        ("shanghai_old_buildings_gbk.dbf", "GB18030", False),
        ("gbk.dbf", "GB18030", False),
        ("chinese.dbf", "GBK", True),
        ("big5.dbf", "Big5", True),
        ("gre.dbf", "UTF-8", True),
        ("latin1.dbf", "CP1252", False),
    ],
)
def test_real_tables(shared_data, name, encoding, declared):
    found = dbf_encoding(shared_data / "nasty-vector" / name)
    assert found.name.upper() == encoding.upper()
    assert found.declared is declared


def test_a_byte_order_mark_is_no_part_of_the_first_column(shared_data):
    assert text_encoding(shared_data / "nasty-vector" / "utf8_bom.csv").name == "utf-8-sig"


def test_a_cpg_may_hold_a_code_page_number(tmp_path):
    (tmp_path / "a.dbf").write_bytes(bytes(32))
    (tmp_path / "a.cpg").write_text("936")
    assert dbf_encoding(tmp_path / "a.dbf").name == "GBK"
