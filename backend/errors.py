"""One tree of errors; each has a status, a code for programs and a sentence for people."""


class LinlitongError(Exception):
    """Something the caller can be told. ``sentence`` is what a resident or staff member reads."""

    status = 500
    code = "internal"
    sentence = "系统出了点问题，请稍后再试。"

    def __init__(self, sentence: str | None = None, *, code: str | None = None, **details: object) -> None:
        self.sentence = sentence or type(self).sentence
        self.code = code or type(self).code
        self.details = details
        super().__init__(self.code)


class BadInput(LinlitongError):
    status = 422
    code = "bad_input"
    sentence = "填写的内容不对，请检查后再试。"


class NotSignedIn(LinlitongError):
    status = 401
    code = "not_signed_in"
    sentence = "请先登录。"


class Forbidden(LinlitongError):
    status = 403
    code = "forbidden"
    sentence = "您没有权限进行这项操作。"


class NotFound(LinlitongError):
    status = 404
    code = "not_found"
    sentence = "没有找到。"


class Conflict(LinlitongError):
    status = 409
    code = "conflict"
    sentence = "这一步现在不能办，请刷新后再看。"


class TooMany(LinlitongError):
    status = 429
    code = "too_many"
    sentence = "操作太频繁了，请稍后再试。"
