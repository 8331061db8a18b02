<?php
require '/usr/share/php/libphp-phpmailer/autoload.php';
class_alias('PHPMailer\\PHPMailer\\PHPMailer', 'PHPMailer');

eval(file_get_contents($argv[1]));
