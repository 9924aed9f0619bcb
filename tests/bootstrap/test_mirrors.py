"""uv loads packages from where pip is told to, unless uv itself is told otherwise."""

from bootstrap import mirrors


def test_without_mirrors_nothing_is_set() -> None:
    found = mirrors.for_uv("", {})
    assert (found.environment, found.arguments) == ({}, ())


def test_pips_index_becomes_uvs_default_index() -> None:
    config = "global.index-url='https://mirror.example/simple'\n"
    assert mirrors.for_uv(config, {}).environment == {"UV_DEFAULT_INDEX": "https://mirror.example/simple"}


def test_the_environment_beats_the_configuration_file_whatever_the_order() -> None:
    config = ":env:.index-url='https://env.example'\nglobal.index-url='https://file.example'\n"
    assert mirrors.for_uv(config, {}).environment["UV_DEFAULT_INDEX"] == "https://env.example"


def test_a_setting_for_install_beats_the_global_one() -> None:
    config = "install.index-url='https://install.example'\nglobal.index-url='https://file.example'\n"
    assert mirrors.for_uv(config, {}).environment["UV_DEFAULT_INDEX"] == "https://install.example"


def test_several_extra_indexes_are_all_asked_as_pip_would() -> None:
    config = "global.extra-index-url='https://one.example\\nhttps://two.example'\n"
    assert mirrors.for_uv(config, {}).environment == {
        "UV_INDEX": "https://one.example https://two.example",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_folders_with_packages_are_joined_by_commas() -> None:
    config = "global.find-links='/srv/wheels /opt/wheels'\n"
    assert mirrors.for_uv(config, {}).environment == {"UV_FIND_LINKS": "/srv/wheels,/opt/wheels"}


def test_certificates_proxies_and_patience_come_along() -> None:
    config = (
        "global.cert='/etc/ssl/company.pem'\nglobal.proxy='http://proxy.example:3128'\nglobal.timeout='120'\n"
        "global.trusted-host='mirror.example other.example'\nglobal.client-cert='/etc/ssl/me.pem'\n"
    )
    assert mirrors.for_uv(config, {}).environment == {
        "SSL_CERT_FILE": "/etc/ssl/company.pem",
        "SSL_CLIENT_CERT": "/etc/ssl/me.pem",
        "ALL_PROXY": "http://proxy.example:3128",
        "UV_HTTP_TIMEOUT": "120",
        "UV_INSECURE_HOST": "mirror.example other.example",
    }


def test_what_the_user_told_uv_wins() -> None:
    config = "global.index-url='https://pip.example'\nglobal.find-links='/srv/wheels'\n"
    told = {"UV_DEFAULT_INDEX": "https://uv.example"}
    assert mirrors.for_uv(config, told).environment == {"UV_FIND_LINKS": "/srv/wheels"}


def test_uvs_older_names_count_as_told() -> None:
    config = "global.index-url='https://pip.example'\nglobal.extra-index-url='https://more.example'\n"
    told = {"UV_INDEX_URL": "https://uv.example", "UV_EXTRA_INDEX_URL": "https://uv-more.example"}
    assert mirrors.for_uv(config, told).environment == {}


def test_an_offline_pip_keeps_uv_offline() -> None:
    assert mirrors.for_uv(":env:.no-index='1'\n", {}).arguments == ("--no-index",)
    assert mirrors.for_uv(":env:.no-index='false'\n", {}).arguments == ()


def test_other_options_and_odd_lines_are_ignored() -> None:
    config = "global.disable-pip-version-check='1'\nWARNING: something\ndownload.index-url='https://x.example'\n\n"
    assert mirrors.for_uv(config, {}).environment == {}
