from linlitong.cli import main

main(prog_name="linlitong")
